"""An OAuth 1.0a server on Debian's python3-oauthlib: the library decides what is right, this only gives it addresses and a memory.

    python3 server.py --dir DIR [--tls] [--json]

/request_token, /authorize (says yes by itself, as alice; shows the verifier where the callback is oob), /access_token, and /api, a
protected resource for the realm "photos". DIR holds server.pem and server.key for --tls; without it PLAINTEXT is let in, too.
--json answers with JSON instead of forms. The consumers, one for each signature method, are made now and left in
DIR/consumers.json (0600).

Prints one JSON line when it is ready; "seen" on standard input is answered with how many requests each path had. It ends when its
standard input does.
"""
import argparse
import base64
import hashlib
import html
import http.server
import json
import os
import secrets
import ssl
import string
import sys
import threading
import urllib.parse

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oauthlib.oauth1 import RequestValidator, WebApplicationServer
from oauthlib.oauth1.rfc5849 import SIGNATURE_METHODS, errors

REALM = "photos"


class Consumer:
    def __init__(self, method):
        self.key, self.method = "fob-" + method, method
        self.secret, self.public, self.pem = "", None, ""
        if method.startswith("RSA"):
            key = rsa.generate_private_key(65537, 2048)
            self.pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
            self.public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        else:
            self.secret = secrets.token_urlsafe(20) + "&%=+ /"  # each of the odd characters wants encoding (section 3.6)


class Memory(RequestValidator):
    """What the library asks to be kept. A value that is unknown gets the same work as one that is wrong."""

    client_key_length = (3, 40)
    request_token_length = access_token_length = (20, 60)
    verifier_length = (20, 60)
    nonce_length = (8, 100)
    safe_characters = set(string.ascii_letters + string.digits + "-_.~=/+:")
    timestamp_lifetime = 300
    dummy_client, dummy_request_token, dummy_access_token = "dummy-client", "dummy-request-token", "dummy-access-token"

    def __init__(self, enforce_ssl):
        super().__init__()
        self._ssl, self.nonces, self.temporary, self.tokens, self.lock = enforce_ssl, set(), {}, {}, threading.Lock()
        self.consumers = {c.key: c for c in map(Consumer, SIGNATURE_METHODS)}
        self.nobody = Consumer("HMAC-SHA1"), Consumer("RSA-SHA1")

    enforce_ssl = property(lambda self: self._ssl)
    realms = property(lambda self: [REALM])

    def consumer(self, key, request):
        return self.consumers.get(key) or self.nobody[request.signature_method.startswith("RSA")]

    def get_client_secret(self, key, request):
        return self.consumer(key, request).secret

    def get_rsa_key(self, key, request):
        return self.consumer(key, request).public or self.nobody[1].public

    def validate_client_key(self, key, request):
        known = self.consumers.get(key)
        return known is not None and known.method == request.signature_method

    def validate_timestamp_and_nonce(self, key, timestamp, nonce, request, request_token=None, access_token=None):
        used = (key, timestamp, nonce, request_token, access_token)
        with self.lock:
            new = used not in self.nonces
            self.nonces.add(used)
        return new

    # The temporary credentials.
    def save_request_token(self, token, request):
        self.temporary[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "client": request.client_key, "callback": request.redirect_uri, "verifier": None}

    def validate_redirect_uri(self, key, uri, request):
        return uri == "oob" or urllib.parse.urlsplit(uri or "").hostname in ("127.0.0.1", "::1", "localhost")

    def get_default_realms(self, key, request):
        return [REALM]

    def validate_requested_realms(self, key, realms, request):
        return all(r in (REALM, "") for r in realms)

    def get_realms(self, token, request):
        return [REALM]

    def verify_request_token(self, token, request):
        return token in self.temporary

    def verify_realms(self, token, realms, request):
        return True

    def get_redirect_uri(self, token, request):
        return self.temporary[token]["callback"]

    def save_verifier(self, token, verifier, request):
        self.temporary[token]["verifier"] = verifier["oauth_verifier"]

    # The exchange.
    def validate_request_token(self, key, token, request):
        return self.temporary.get(token, {}).get("client") == key

    def get_request_token_secret(self, key, token, request):
        return self.temporary.get(token, {}).get("secret", "wrong")

    def validate_verifier(self, key, token, verifier, request):
        kept = self.temporary.get(token, {}).get("verifier")
        return kept is not None and secrets.compare_digest(kept, verifier or "")

    def invalidate_request_token(self, key, token, request):
        self.temporary.pop(token, None)

    def save_access_token(self, token, request):
        self.tokens[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "client": request.client_key}

    # The API.
    def validate_access_token(self, key, token, request):
        return self.tokens.get(token, {}).get("client") == key

    def get_access_token_secret(self, key, token, request):
        return self.tokens.get(token, {}).get("secret", "wrong")

    def validate_realms(self, key, token, request, uri=None, realms=None):
        return True


def body_hash_is_right(headers, body):
    """The extension for bodies that are no forms: oauth_body_hash, if sent, is that of the body (it is signed already)."""
    _, _, parameters = headers.get("Authorization", "").partition(" ")
    for pair in parameters.split(","):
        name, _, value = pair.strip().partition("=")
        if name == "oauth_body_hash":
            method = [p for p in parameters.split(",") if p.strip().startswith("oauth_signature_method=")][0]
            algorithm = {"256": "sha256", "512": "sha512"}.get(method.strip().strip('"')[-3:], "sha1")
            want = base64.b64encode(hashlib.new(algorithm, body).digest()).decode()
            return urllib.parse.unquote(value.strip('"')) == want
    return True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, headers, text):
        raw = (text or "").encode()
        if self.server.json and headers.get("Content-Type") == "application/x-www-form-urlencoded" and status == 200:
            raw = json.dumps(dict(urllib.parse.parse_qsl(text))).encode()
            headers = {**headers, "Content-Type": "application/json"}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        uri = f"{self.server.base}{self.path}"
        path = urllib.parse.urlsplit(self.path).path
        headers = dict(self.headers.items())
        form = (self.headers.get("Content-Type") or "").startswith("application/x-www-form-urlencoded")
        text = body.decode("utf-8", "replace") if form else ""
        server = self.server
        server.seen[path] = server.seen.get(path, 0) + 1
        try:
            if path == "/request_token":
                made, answer, status = server.oauth.create_request_token_response(uri, self.command, text, headers, {})
            elif path == "/access_token":
                made, answer, status = server.oauth.create_access_token_response(uri, self.command, text, headers, {})
            elif path == "/authorize":
                server.oauth.get_realms_and_credentials(uri, self.command, text, headers)
                made, answer, status = server.oauth.create_authorization_response(uri, self.command, text, headers, [REALM], {})
                if status == 200:
                    verifier = urllib.parse.parse_qs(answer)["oauth_verifier"][0]
                    made, answer = {"Content-Type": "text/html; charset=utf-8"}, f'<!doctype html><title>Code</title><h1>Your code</h1><code id="verifier">{html.escape(verifier)}</code>'
            elif path == "/api":
                valid, request = server.oauth.validate_protected_resource_request(uri, self.command, text, headers, [REALM])
                if valid and body_hash_is_right(headers, body):
                    made, status = {"Content-Type": "application/json"}, 200
                    answer = json.dumps({"user": "alice", "method": self.command, "consumer": request.client_key, "length": len(body)})
                else:
                    made, answer, status = {"WWW-Authenticate": f'OAuth realm="{REALM}"', "Content-Type": "text/plain"}, "not signed as it should be", 401
            else:
                made, answer, status = {"Content-Type": "text/plain"}, "no such page", 404
        except errors.OAuth1Error as err:
            made, answer, status = {"Content-Type": "application/x-www-form-urlencoded"}, err.urlencoded, err.status_code
        self.answer(status, made, answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = serve


def main():
    flags = argparse.ArgumentParser()
    flags.add_argument("--dir", required=True)
    flags.add_argument("--tls", action="store_true")
    flags.add_argument("--json", action="store_true")
    flags = flags.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if flags.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(flags.dir, "server.pem"), os.path.join(flags.dir, "server.key"))
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.base = f"http{'s' if flags.tls else ''}://127.0.0.1:{server.server_address[1]}"
    memory = Memory(flags.tls)
    server.json, server.seen, server.oauth = flags.json, {}, WebApplicationServer(memory)
    known = {c.method: {"oauth_consumer_key": c.key, "oauth_consumer_secret": c.secret, "private_key_pem": c.pem} for c in memory.consumers.values()}
    with open(os.open(os.path.join(flags.dir, "consumers.json"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(known, out)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"ready": True, "base": server.base}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"done": line.strip(), "seen": server.seen}), flush=True)


main()
