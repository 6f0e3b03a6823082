// The clients of server.mjs, with keys made now: one for each authentication method, and one for each thing that a server may ask
// of a client. Each is what is registered at the server, and beside it what only the client knows.
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const kinds = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519', {}],
};

// makeKey makes a key for an algorithm: private and public as JWK, private as PEM.
export function makeKey(alg, kid, use = 'sig') {
  const [type, options] = kinds[alg] ?? kinds[alg.startsWith('ECDH') ? 'ES256' : 'RS256'];
  // By way of PEM: with Node.js 20, export() of a key just generated waits for ever when the collector comes between the two.
  const { privateKey: pem } = generateKeyPairSync(type, { ...options, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  const privateKey = createPrivateKey(pem);
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, use, alg };
  const { d, p, q, dp, dq, qi, ...open } = jwk;
  return { jwk, open, pem };
}

const loopbacks = ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback'];
const secret = () => randomBytes(40).toString('base64url');
const device = 'urn:ietf:params:oauth:grant-type:device_code';
const ciba = 'urn:openid:params:grant-type:ciba';

// makeClients reads the certificates in dir (client.pem of the test's CA, self.pem of its own) and makes the clients: by name,
// { registered, known }, where known is handed to the tests.
export function makeClients(dir) {
  const clients = {};
  const add = (name, method, registered = {}, known = {}) => {
    clients[name] = {
      registered: {
        client_id: name, application_type: 'native', redirect_uris: loopbacks, post_logout_redirect_uris: ['http://127.0.0.1/logged-out'],
        response_types: ['code'], grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: method, authorization_details_types: ['payment'], ...registered,
      },
      known,
    };
  };
  const withSecret = (name, method, registered) => {
    const s = secret();
    add(name, method, { grant_types: ['authorization_code', 'refresh_token', 'client_credentials', device, ciba], backchannel_token_delivery_mode: 'poll', client_secret: s, ...registered }, { client_secret: s });
  };
  const withKey = (name, alg, registered = {}) => {
    const key = makeKey(alg, `${name}-key`);
    add(name, 'private_key_jwt', {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials', device, ciba], backchannel_token_delivery_mode: 'poll',
      token_endpoint_auth_signing_alg: alg, jwks: { keys: [key.open] }, ...registered,
    }, { private_key: key.jwk, private_key_pem: key.pem });
  };
  const certificate = (name) => ({ tls_client_certificate: join(dir, `${name}.pem`), tls_client_key: join(dir, `${name}.key`) });

  // One for each authentication method.
  add('none', 'none', { grant_types: ['authorization_code', 'refresh_token', device] });
  withSecret('client_secret_basic', 'client_secret_basic');
  withSecret('client_secret_post', 'client_secret_post');
  withSecret('client_secret_jwt', 'client_secret_jwt', { token_endpoint_auth_signing_alg: 'HS256' });
  for (const alg of Object.keys(kinds)) withKey(`private_key_jwt-${alg}`, alg);
  const machine = ['authorization_code', 'refresh_token', 'client_credentials'];
  add('tls_client_auth', 'tls_client_auth', { grant_types: machine, tls_client_auth_subject_dn: 'CN=fob-e2e', tls_client_certificate_bound_access_tokens: true }, certificate('client'));
  const own = new X509Certificate(readFileSync(join(dir, 'self.pem')));
  add('self_signed_tls_client_auth', 'self_signed_tls_client_auth', {
    grant_types: machine, tls_client_certificate_bound_access_tokens: true,
    jwks: { keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'self', use: 'sig', x5c: [own.raw.toString('base64')], 'x5t#S256': createHash('sha256').update(own.raw).digest('base64url') }] },
  }, certificate('self'));

  // What a server may ask of a client, each by a client that it is asked of.
  add('par', 'none', { require_pushed_authorization_requests: true });
  add('dpop', 'none', { grant_types: ['authorization_code', 'refresh_token', device], dpop_bound_access_tokens: true });
  add('mtls-bound', 'none', { tls_client_certificate_bound_access_tokens: true }, certificate('self'));
  withKey('jar', 'ES256', { require_signed_request_object: true, request_object_signing_alg: 'ES256' });
  withKey('jar-encrypted', 'PS256', {
    require_signed_request_object: true, request_object_signing_alg: 'PS256', request_object_encryption_alg: 'RSA-OAEP-256', request_object_encryption_enc: 'A256GCM',
  });
  add('jarm', 'none', { authorization_signed_response_alg: 'ES256', response_modes: ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'] });
  add('hybrid', 'none', { response_types: ['code id_token', 'code', 'code token', 'code id_token token'], grant_types: ['authorization_code', 'implicit', 'refresh_token'] });
  add('implicit', 'none', { application_type: 'native', response_types: ['id_token', 'id_token token'], grant_types: ['implicit'] });
  for (const alg of ['PS256', 'ES256', 'EdDSA']) add(`id-${alg}`, 'none', { id_token_signed_response_alg: alg });
  withSecret('id-HS256', 'client_secret_basic', { id_token_signed_response_alg: 'HS256', backchannel_token_delivery_mode: undefined, grant_types: ['authorization_code', 'refresh_token'] });
  const encrypted = (name, alg, registered) => {
    const key = makeKey(alg, `${name}-enc`, 'enc');
    add(name, 'none', { jwks: { keys: [key.open] }, ...registered }, { private_key: key.jwk, private_key_pem: key.pem });
  };
  encrypted('id-encrypted', 'RSA-OAEP-256', { id_token_encrypted_response_alg: 'RSA-OAEP-256', id_token_encrypted_response_enc: 'A256GCM' });
  encrypted('id-encrypted-ECDH', 'ECDH-ES', { id_token_encrypted_response_alg: 'ECDH-ES', id_token_encrypted_response_enc: 'A128CBC-HS256' });
  encrypted('jarm-encrypted', 'RSA-OAEP-256', { authorization_signed_response_alg: 'PS256', authorization_encrypted_response_alg: 'RSA-OAEP-256', authorization_encrypted_response_enc: 'A256GCM' });
  add('userinfo-signed', 'none', { userinfo_signed_response_alg: 'ES256' });
  encrypted('userinfo-encrypted', 'RSA-OAEP-256', { userinfo_signed_response_alg: 'ES256', userinfo_encrypted_response_alg: 'RSA-OAEP-256', userinfo_encrypted_response_enc: 'A256GCM' });
  withSecret('introspect', 'client_secret_basic', { introspection_signed_response_alg: 'ES256' }); // asks of tokens of every client
  withKey('ciba-signed', 'ES256', { backchannel_authentication_request_signing_alg: 'ES256' });
  const strict = { require_pushed_authorization_requests: true, response_modes: ['query', 'form_post'] };
  withKey('fapi', 'ES256', { ...strict, id_token_signed_response_alg: 'ES256', dpop_bound_access_tokens: true });
  withKey('fapi-PS256', 'PS256', { ...strict, id_token_signed_response_alg: 'PS256', dpop_bound_access_tokens: true });
  add('fapi-mtls', 'tls_client_auth', {
    ...strict, id_token_signed_response_alg: 'PS256', tls_client_auth_subject_dn: 'CN=fob-e2e', tls_client_certificate_bound_access_tokens: true,
  }, certificate('client'));
  return clients;
}
