// The authorization server that nobody here wrote (npm oidc-provider, OpenID certified) with everything on that it has.
//
//   node server.mjs --dir DIR [--tls] [--pages] [--access-ttl SECONDS] [--no-nonces] [--no-rotation] [--initial-access-token] [--plain-introspection]
//
// DIR holds the certificates that the test made: ca.pem, server.pem and .key, client.pem, self.pem. The keys and secrets of the
// clients are made now and left in DIR/clients.json (0600). Two ports: the issuer's, plain http unless --tls, and one that asks
// for a client certificate (mtls_endpoint_aliases). People say yes by themselves, as alice or as the login_hint says ("nobody" says
// no), or with --pages on pages as in ../provider/server.mjs.
//
// It prints one JSON line when it is ready, and one when a device far away is asked (CIBA). Each line on standard input is an
// order, answered with one line. It ends when its standard input does.
import http from 'node:http';
import https from 'node:https';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Provider, { errors } from 'oidc-provider';
import { makeClients, makeKey } from './clients.mjs';

const { values: flags } = parseArgs({ options: {
  dir: { type: 'string' },
  tls: { type: 'boolean', default: false },
  pages: { type: 'boolean', default: false },
  'access-ttl': { type: 'string', default: '3600' },
  'no-nonces': { type: 'boolean', default: false },
  'no-rotation': { type: 'boolean', default: false },
  'initial-access-token': { type: 'boolean', default: false },
  'plain-introspection': { type: 'boolean', default: false },
} });
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const file = (name) => readFileSync(join(flags.dir, name));

const certificate = { key: file('server.key'), cert: file('server.pem') };
const front = flags.tls ? https.createServer(certificate) : http.createServer();
const mutual = https.createServer({ ...certificate, ca: file('ca.pem'), requestCert: true, rejectUnauthorized: false });
for (const server of [front, mutual]) await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
const issuer = `http${flags.tls ? 's' : ''}://127.0.0.1:${front.address().port}`;
const mtls = `https://127.0.0.1:${mutual.address().port}`;

const clients = makeClients(flags.dir);
const initialAccessToken = flags['initial-access-token'] ? randomBytes(24).toString('base64url') : undefined;
const seen = {}; // requests by path, and request objects
const count = (what) => { seen[what] = (seen[what] ?? 0) + 1; };

// What the API's servers are called (RFC 8707), and how their tokens look.
const resources = {
  'https://api.example.com/': { scope: 'api:read api:write', audience: 'https://api.example.com/', accessTokenFormat: 'jwt', accessTokenTTL: Number(flags['access-ttl']), jwt: { sign: { alg: 'ES256' } } },
  'https://files.example.com/': { scope: 'files:read', audience: 'https://files.example.com/', accessTokenFormat: 'opaque', accessTokenTTL: Number(flags['access-ttl']) },
};

// RAR: the bank allows payments up to 1000, and says so in what it grants.
const allowed = (details) => details.map((d) => (d.type === 'payment' && d.amount > 1000 ? { ...d, amount: 1000 } : d));
const granted = (ctx) => ctx.oidc.grant?.rar;

const fields = { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] };
const grace = ['urn:example:silver', 'urn:example:gold'];
const paths = { token: '/token', revocation: '/token/revocation', introspection: '/token/introspection', device_authorization: '/device/auth', pushed_authorization_request: '/request', backchannel_authentication: '/backchannel', userinfo: '/me' };
const signing = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const provider = new Provider(issuer, {
  clients: Object.values(clients).map(({ registered }) => JSON.parse(JSON.stringify(registered))),
  jwks: { keys: [...signing.map((alg) => makeKey(alg, `server-${alg}`).jwk), makeKey('RSA-OAEP-256', 'server-enc', 'enc').jwk] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  pkce: { required: () => true },
  rotateRefreshToken: !flags['no-rotation'],
  claims: { ...fields, acr: null, auth_time: null, sid: null, iss: null },
  acrValues: grace,
  conformIdTokenClaims: false, // the ID token names the person
  scopes: ['openid', 'offline_access', 'profile', 'email'],
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'],
  responseTypes: ['code', 'code id_token', 'code token', 'code id_token token', 'id_token', 'id_token token'],
  enabledJWA: { idTokenSigningAlgValues: ['HS256', ...signing] },
  discovery: { mtls_endpoint_aliases: Object.fromEntries(Object.entries(paths).map(([name, path]) => [`${name}_endpoint`, mtls + path])) },
  // The addresses of client metadata documents are this machine's, which oidc-provider refuses to ask; the rest is its own.
  fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
  features: {
    devInteractions: { enabled: false },
    ciba: {
      enabled: true, deliveryModes: ['poll'],
      processLoginHint: async (_ctx, hint) => (hint === 'nobody' ? undefined : hint),
      processLoginHintToken: async (_ctx, token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).sub,
      verifyUserCode: async (_ctx, _account, code) => { if (code && code !== '1234') throw new errors.InvalidUserCode('the user_code is not 1234'); },
      validateBindingMessage: async (_ctx, text) => { if (text && !/^[\w ,.!?-]{1,40}$/.test(text)) throw new errors.InvalidBindingMessage('up to 40 letters and digits'); },
      validateRequestContext: async () => {},
      triggerAuthenticationDevice: async (_ctx, request, account, client) => say({ event: 'ciba', id: request.jti, user: account.accountId, client: client.clientId, message: request.params.binding_message ?? '' }),
    },
    claimsParameter: { enabled: true },
    clientCredentials: { enabled: true },
    clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => !flags['no-nonces'] },
    encryption: { enabled: true },
    fapi: { enabled: true, profile: (_ctx, client) => (client?.clientId.startsWith('fapi') ? '2.0' : undefined) },
    introspection: { enabled: true, allowedPolicy: async (_ctx, client, token) => client.clientId === 'introspect' || token.clientId === client.clientId },
    jwtIntrospection: { enabled: !flags['plain-introspection'] },
    jwtResponseModes: { enabled: true },
    jwtUserinfo: { enabled: true },
    mTLS: {
      enabled: true, certificateBoundAccessTokens: true, selfSignedTlsClientAuth: true, tlsClientAuth: true,
      getCertificate: (ctx) => ctx.req.socket.getPeerX509Certificate?.(),
      certificateAuthorized: (ctx) => ctx.req.socket.authorized === true,
      certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn' && ctx.req.socket.getPeerX509Certificate().subject === expected,
    },
    pushedAuthorizationRequests: { enabled: true },
    registration: { enabled: true, initialAccessToken: initialAccessToken ?? false },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    requestObjects: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: async (_ctx, indicator) => {
        if (!resources[indicator]) throw new errors.InvalidTarget(`no such resource: ${indicator}`);
        return resources[indicator];
      },
    },
    revocation: { enabled: true },
    richAuthorizationRequests: {
      enabled: true,
      types: { payment: { validate: async (_ctx, detail) => { if (!(detail.amount > 0)) throw new errors.InvalidAuthorizationDetails('a payment has an amount'); } } },
      authorizationDetailsForGrantSource: async (ctx) => granted(ctx),
      authorizationDetailsForAccessToken: async (ctx, _token, source) => source?.rar ?? granted(ctx),
      authorizationDetailsForIntrospection: async (_ctx, token) => token.rar,
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: async (ctx, form) => { // the page's only button, pressed
        ctx.type = 'html';
        ctx.body = page('Log out', `${form}<button autofocus type="submit" form="op.logoutForm" name="logout" value="yes">Log out</button>`);
      },
    },
    userinfo: { enabled: true },
  },
  ttl: {
    AccessToken: Number(flags['access-ttl']), ClientCredentials: Number(flags['access-ttl']), IdToken: Number(flags['access-ttl']), RefreshToken: 3600, AuthorizationCode: 60,
    BackchannelAuthenticationRequest: 300, DeviceCode: 300, Grant: 14400, Interaction: 600, Session: 14400, PushedAuthorizationRequest: 60,
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `User ${id}`, preferred_username: id, email: `${id}@example.com`, email_verified: true }),
  }),
});

const page = (title, form) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title} - e2e full provider</title>
<link rel="icon" href="data:,"><h1>${title}</h1>${form}</html>`;

const body = async (req) => {
  let text = '';
  for await (const chunk of req) text += chunk;
  return new URLSearchParams(text);
};

// form is what oidc-provider makes of a form: of a name that comes twice, a list.
const form = async (req) => {
  const all = await body(req);
  return Object.fromEntries([...all.keys()].map((name) => [name, all.getAll(name).length > 1 ? all.getAll(name) : all.get(name)]));
};

// grantAll is a grant of all that was asked for.
async function grantAll(grant, params) {
  const scope = params.scope ?? '';
  grant.addOIDCScope(scope);
  for (const indicator of [params.resource ?? []].flat()) grant.addResourceScope(indicator, scope);
  for (const detail of allowed(JSON.parse(params.authorization_details ?? '[]'))) grant.addRar(detail);
  return grant.save();
}

provider.use(async (ctx, next) => {
  count(ctx.path);
  if (ctx.path === '/auth' || ctx.path === '/request' || ctx.path === '/backchannel') {
    if (ctx.method === 'POST') ctx.req.body = await form(ctx.req); // before the provider has decrypted what is in it
    const object = ctx.query.request ?? ctx.req.body?.request;
    await next();
    if (object) count(object.split('.').length === 5 ? 'request objects, encrypted' : 'request objects');
    return undefined;
  }
  const step = /^\/interaction\/[^/]+(\/(login|consent|abort))?$/.exec(ctx.path);
  if (!step) return next();
  const { prompt, params, grantId, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET' && flags.pages) {
    const at = `/interaction/${ctx.path.split('/')[2]}`;
    ctx.type = 'html';
    ctx.body = prompt.name === 'login'
      ? page('Sign in', `<form method="post" action="${at}/login"><input name="login" autofocus required><input name="password" type="password" required><button>Sign in</button></form><form method="post" action="${at}/abort"><button>Cancel</button></form>`)
      : page('Consent', `<form method="post" action="${at}/consent"><button>Allow</button></form><form method="post" action="${at}/abort"><button>Cancel</button></form>`);
    return undefined;
  }
  const answer = flags.pages ? step[2] : params.login_hint === 'nobody' ? 'abort' : prompt.name;
  let result;
  if (answer === 'abort') {
    result = { error: 'access_denied', error_description: 'the person said no' };
  } else if (answer === 'login') {
    const claims = JSON.parse(params.claims ?? '{}').id_token?.acr;
    const acr = [claims?.value, ...(claims?.values ?? []), ...(params.acr_values ?? '').split(' ')].find((a) => grace.includes(a)) ?? grace[0];
    result = { login: { accountId: flags.pages ? (await body(ctx.req)).get('login') : params.login_hint || 'alice', acr, amr: ['pwd'] } };
  } else {
    const grant = (grantId && await provider.Grant.find(grantId)) || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.rar = undefined;
    result = { consent: { grantId: await grantAll(grant, params) } };
  }
  ctx.respond = false; // what follows answers by itself
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: answer !== 'abort' });
  return undefined;
});
provider.on('server_error', (_ctx, err) => process.stderr.write(`${err.stack}\n`));
for (const server of [front, mutual]) server.on('request', provider.callback());

const orders = {
  // device approve|deny USER_CODE [USER]: the person at the device page
  device: async (what, userCode, user = 'alice') => {
    const code = await provider.DeviceCode.findByUserCode(userCode.toUpperCase().replace(/\W/g, ''));
    if (!code) throw new Error('no such code, or it has expired');
    if (what === 'deny') {
      Object.assign(code, { error: 'access_denied', errorDescription: 'End-User aborted interaction' });
    } else {
      const grant = new provider.Grant({ accountId: user, clientId: code.clientId });
      const grantId = await grantAll(grant, code.params);
      Object.assign(code, { accountId: user, grantId, scope: code.params.scope, authTime: Math.floor(Date.now() / 1000), acr: grace[0], claims: code.params.claims && JSON.parse(code.params.claims), resource: code.params.resource, rar: grant.rar });
    }
    await code.save();
  },
  // ciba approve|deny ID: the person at the device far away
  ciba: async (what, id) => {
    const request = await provider.BackchannelAuthenticationRequest.find(id);
    if (!request) throw new Error('no such request, or it has expired');
    if (what === 'deny') {
      await provider.backchannelResult(request, new errors.AccessDenied('the person said no'));
      return;
    }
    const grant = new provider.Grant({ accountId: request.accountId, clientId: request.clientId });
    await grantAll(grant, request.params);
    await provider.backchannelResult(request, grant, { acr: grace[0], authTime: Math.floor(Date.now() / 1000), rar: grant.rar });
  },
  seen: async () => {},
};

const known = Object.fromEntries(Object.entries(clients).map(([name, c]) => [name, { client_id: name, ...c.registered, ...c.known }]));
writeFileSync(join(flags.dir, 'clients.json'), JSON.stringify({ issuer, mtls, initial_access_token: initialAccessToken, clients: known }), { mode: 0o600 });
say({ ready: true, issuer, mtls });
for await (const line of createInterface({ input: process.stdin })) {
  const [order, ...words] = line.split(' ');
  try {
    await orders[order](...words);
    say({ done: order, seen });
  } catch (err) {
    say({ failed: order, why: String(err) });
  }
}
process.exit(0);
