#!/usr/bin/env python3
# Makes vectors.json with oauthlib (Debian 12, python3-oauthlib 3.2.2-1), an
# implementation that shares nothing with ours:
#   cd oauth/oauth1/testdata && /usr/bin/python3 vectors.py > vectors.json
import json
from oauthlib import oauth1
from oauthlib.oauth1.rfc5849 import signature as s

FORM = "application/x-www-form-urlencoded"
METHODS = ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT"]
REQUESTS = [  # name, method, URL, content type, body
    ("plain", "GET", "https://api.example.com/1/me", "", ""),
    ("root without slash", "GET", "https://api.example.com", "", ""),
    ("lower-case method", "get", "https://api.example.com/1/me?a=1", "", ""),
    ("upper-case host, default port", "GET", "https://API.Example.COM:443/Path?x=1", "", ""),
    ("other port", "GET", "https://api.example.com:8443/?q=1", "", ""),
    ("http's port on https", "GET", "https://api.example.com:80/", "", ""),
    ("IPv6", "GET", "https://[2001:db8::1]:8443/a", "", ""),
    ("plus and %20", "GET", "https://api.example.com/s?a=x+y&b=x%20y&c=x%2By", "", ""),
    ("empty values", "GET", "https://api.example.com/s?a=&b=&c=1", "", ""),
    ("duplicates", "GET", "https://api.example.com/s?b=2&a=2&a=10&a=1&a=1&B=1", "", ""),
    ("unicode", "GET", "https://api.example.com/s?q=%E2%98%83+%C3%BC&%C3%A9=%F0%9F%98%80", "", ""),
    ("reserved and unreserved", "GET", "https://api.example.com/s?q=-._~%21%2A%27%28%29%3B%3A%40%26%3D%2B%24%2C%2F%3F%23%5B%5D", "", ""),
    ("percent in the value", "GET", "https://api.example.com/s?q=100%25&r=%2525", "", ""),
    ("encoded path", "GET", "https://api.example.com/r%20v/X/%E2%98%83/a%2Fb", "", ""),
    ("prefixes sort by name", "GET", "https://api.example.com/s?a-b=1&a=2&aa=3&a%20b=4", "", ""),
    ("form", "POST", "https://api.example.com/1/post?include=true", FORM, "status=Hello+Ladies+%2B+Gentlemen%2C+a+signed+OAuth+request%21&status=2"),
    ("form with empty value", "PUT", "https://api.example.com/1/post", FORM, "c2=&a3=2+q"),
    ("JSON", "POST", "https://api.example.com/1/post?x=1", "application/json", '{"a":"b=c&d"}'),
]
KEY, TOKEN = "consumer key+1", "token/2"
SECRET, TOKEN_SECRET = "consumer&secret ü", "token~secret%3D"
NONCE, TIMESTAMP = "7d8f3e4a", "1318622958"
rsa = open("rsa.pem").read()

out = {"consumer_key": KEY, "consumer_secret": SECRET, "token": TOKEN, "token_secret": TOKEN_SECRET,
       "nonce": NONCE, "timestamp": TIMESTAMP, "vectors": []}
for name, method, url, kind, body in REQUESTS:
    for algorithm in METHODS:
        for with_token in (True, False):
            c = oauth1.Client(KEY, SECRET, TOKEN if with_token else None, TOKEN_SECRET if with_token else None,
                              signature_method=algorithm, rsa_key=rsa, nonce=NONCE, timestamp=TIMESTAMP)
            # oauthlib adds a body hash to all bodies that are no forms; those requests are signed without their body here.
            form = kind == FORM
            _, headers, _ = c.sign(url, method, body if form else None, {"Content-Type": kind} if form else None)
            params = s.collect_parameters(headers=headers)
            signature = [v for k, v in s.collect_parameters(headers=headers, exclude_oauth_signature=False) if k == "oauth_signature"][0]
            query = url.partition("?")[2]
            base = s.signature_base_string(method, s.base_string_uri(url), s.normalize_parameters(
                s.collect_parameters(uri_query=query, body=body if form else [], headers=headers)))
            out["vectors"].append({"name": name, "method": method, "url": url, "content_type": kind, "body": body,
                                   "algorithm": algorithm, "with_token": with_token, "base": base, "signature": signature})
# The body hash: only SHA-1 in oauthlib.
for algorithm in ("HMAC-SHA1", "RSA-SHA1"):
    c = oauth1.Client(KEY, SECRET, TOKEN, TOKEN_SECRET, signature_method=algorithm, rsa_key=rsa, nonce=NONCE, timestamp=TIMESTAMP)
    body = '{"a":"b=c&d"}'
    _, headers, _ = c.sign("https://api.example.com/1/post?x=1", "POST", body, {"Content-Type": "application/json"})
    signature = [v for k, v in s.collect_parameters(headers=headers, exclude_oauth_signature=False) if k == "oauth_signature"][0]
    base = s.signature_base_string("POST", "https://api.example.com/1/post", s.normalize_parameters(
        s.collect_parameters(uri_query="x=1", headers=headers)))
    out["vectors"].append({"name": "body hash", "method": "POST", "url": "https://api.example.com/1/post?x=1",
                           "content_type": "application/json", "body": body, "algorithm": algorithm, "with_token": True,
                           "body_hash": True, "base": base, "signature": signature})
vectors = out.pop("vectors")
print(json.dumps(out)[:-1] + ', "vectors": [\n' + ",\n".join(json.dumps(v) for v in vectors) + "\n]}")
