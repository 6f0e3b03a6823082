// An authorization server that nobody here wrote (npm oidc-provider, OpenID certified), set up as a careful one would be:
// PKCE for everybody, rotation with reuse detection, short-lived tokens, one login and one consent page of ours.
//
//   node server.mjs [--access-ttl SECONDS] [--refresh-ttl SECONDS] [--no-rotation]
//
// It prints one JSON line when it is ready: {"issuer": …}. Each line on standard input is an order, answered with one line
// of JSON when it is done; the tests drive outages with them. It ends when its standard input does.
import { createServer } from 'node:http';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import Provider, { interactionPolicy } from 'oidc-provider';

const { values: flags } = parseArgs({ options: {
  'access-ttl': { type: 'string', default: '3600' },
  'refresh-ttl': { type: 'string', default: '3600' },
  'no-rotation': { type: 'boolean', default: false },
} });

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

// What the tests look at and switch.
let hold = '';                  // 'before': token requests wait until they are given up; 'after': their answers wait for "release"
let release = () => {};
let released = Promise.resolve();
let stale = false;              // a connection that was idle for 1.5 s is cut when a token request comes on it
let stumble = 0;                // the status with which token requests are refused
const seen = { token: 0, refresh: 0, basic: 0, refreshTokens: [] };

// The person may be asked which account it shall be (prompt=select_account), which this server does not know by itself.
const policy = interactionPolicy.base();
policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);

const server = createServer();
server.keepAliveTimeout = 60_000; // what a connection closed in the wrong moment does is tested with "stale", not by chance
const listen = (port) => new Promise((done, failed) => server.once('error', failed).listen(port, '127.0.0.1', () => {
  server.removeListener('error', failed);
  done();
}));
await listen(0);
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

// By way of PEM: with Node.js 20, export() of a key just generated waits for ever when the collector comes between the two.
const { privateKey: pem } = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const privateKey = createPrivateKey(pem);
const loopbacks = ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback'];
const native = (id, more) => ({
  client_id: id, application_type: 'native', redirect_uris: loopbacks, response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none', ...more,
});

const provider = new Provider(issuer, {
  clients: [
    native('fob-native'),
    native('fob-once', { grant_types: ['authorization_code'] }),
    native('fob-secret', { token_endpoint_auth_method: 'client_secret_basic', client_secret: process.env.E2E_CLIENT_SECRET }),
    native('fob-post', { token_endpoint_auth_method: 'client_secret_post', client_secret: process.env.E2E_CLIENT_SECRET }),
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'e2e', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: ['e2e'] },
  pkce: { required: () => true },
  rotateRefreshToken: !flags['no-rotation'],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false, // the ID token names the person
  scopes: ['openid', 'offline_access', 'profile', 'email'],
  features: {
    devInteractions: { enabled: false },
    pushedAuthorizationRequests: { enabled: false }, // the tests read what the browser carries; ../full pushes
    revocation: { enabled: true },
    userinfo: { enabled: true },
    rpInitiatedLogout: { enabled: false },
  },
  ttl: {
    AccessToken: Number(flags['access-ttl']), IdToken: Number(flags['access-ttl']), RefreshToken: Number(flags['refresh-ttl']),
    AuthorizationCode: 60, Grant: 14400, Interaction: 600, Session: 14400,
  },
  interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `User ${id}`, preferred_username: id, email: `${id}@example.com`, email_verified: true }),
  }),
});

const page = (title, form) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title} - e2e provider</title>
<link rel="icon" href="data:,"><h1>${title}</h1>${form}</html>`;

const body = async (req) => {
  let text = '';
  for await (const chunk of req) text += chunk;
  return new URLSearchParams(text);
};

provider.use(async (ctx, next) => {
  const step = /^\/interaction\/[^/]+(\/(login|consent|abort))?$/.exec(ctx.path);
  if (!step) return next();
  const { prompt, params, grantId, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    const at = `/interaction/${ctx.path.split('/')[2]}`;
    ctx.type = 'html';
    ctx.body = prompt.name !== 'consent'
      ? page('Sign in', `<form method="post" action="${at}/login"><input name="login" autofocus required><input name="password" type="password" required><button>Sign in</button></form><form method="post" action="${at}/abort"><button>Cancel</button></form>`)
      : page('Consent', `<form method="post" action="${at}/consent"><button>Allow</button></form><form method="post" action="${at}/abort"><button>Cancel</button></form>`);
    return undefined;
  }
  let result;
  if (step[2] === 'abort') {
    result = { error: 'access_denied', error_description: 'the person said <b>no</b>' };
  } else if (step[2] === 'login') {
    result = { login: { accountId: (await body(ctx.req)).get('login') }, select_account: {} };
  } else {
    const grant = (grantId && await provider.Grant.find(grantId)) || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope((prompt.details.missingOIDCScope || []).join(' ') || params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  ctx.respond = false; // what follows answers by itself
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: step[2] !== 'abort' });
  return undefined;
});

// As a server does whose keep-alive ends (Node.js: 5 s) just when the client sends.
server.on('connection', (socket) => { socket.used = 0; });
server.on('request', (req) => {
  const { socket } = req;
  const idle = socket.used ? Date.now() - socket.used : 0;
  if (stale && idle > 1500 && req.url === '/token') socket.resetAndDestroy();
  socket.used = Date.now();
});

provider.use(async (ctx, next) => {
  if (ctx.path !== '/token') return next();
  if (stumble) {
    ctx.status = stumble;
    ctx.body = '<h1>down for maintenance</h1>';
    return undefined;
  }
  if (hold === 'before') { // as a proxy in front of a server that hangs: it drops the request when nobody waits any more
    const gone = new Promise((done) => { ctx.req.socket.once('close', done); });
    say({ event: 'held', where: hold });
    await gone;
    ctx.respond = false;
    say({ event: 'dropped', where: 'before' });
    return undefined;
  }
  const at = hold;
  await next();
  seen.token += 1;
  if (ctx.oidc?.params?.grant_type === 'refresh_token') seen.refresh += 1;
  if (ctx.get('authorization').startsWith('Basic ')) seen.basic += 1;
  if (at === 'after') {
    say({ event: 'held', where: at });
    await released;
  }
  return undefined;
});
provider.on('server_error', (_ctx, err) => process.stderr.write(`${err.stack}\n`));
provider.on('refresh_token.saved', (token) => { if (!token.consumed) seen.refreshTokens.push(token.jti); });

const grants = new Set();
provider.on('grant.success', (ctx) => { if (ctx.oidc.entities.Grant) grants.add(ctx.oidc.entities.Grant.jti); });

server.on('request', provider.callback());

const orders = {
  down: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }),
  up: () => listen(port),
  hold: async (where) => { hold = where; released = new Promise((r) => { release = r; }); },
  release: async () => { hold = ''; release(); },
  stale: async () => { stale = true; },
  stumble: async (status) => { stumble = Number(status || 0); },
  revoke: async () => { // the administrator ends every session
    for (const id of grants) await provider.RefreshToken.revokeByGrantId(id);
  },
  seen: async () => {},
};
say({ issuer, pid: process.pid });
for await (const line of createInterface({ input: process.stdin })) {
  const [order, argument] = line.split(' ');
  try {
    await orders[order](argument);
    say({ done: order, seen });
  } catch (err) {
    say({ failed: order, why: String(err) });
  }
}
process.exit(0);
