// A firm's sign-in service for the tests: oidc-provider as it is, whose tokens are spoiled on demand.
//
// It listens on a port of its own on 127.0.0.1 and prints its issuer. Whoever comes with `login_hint` is signed in as
// that; `nobody` is refused. `/spoil?how=expired` spoils the tokens from then on; without `how` they are right again.
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, importJWK, decodeJwt, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

const [redirect] = process.argv.slice(2);

async function key(kid) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' };
}

// Whom the firm knows, and in which groups they are.
const people = {
  'min.li': { name: '李敏', groups: ['hotline-agents'] },
  'wei.wang': { name: 'Wei <b>Wang</b>', groups: ['hotline-agents', 'hotline-leads'] },
  guest: { name: 'Guest', groups: ['visitors'] },
};

const [ours, foreign] = [await key('one'), await key('one')];
let spoiled = null;

// What each way of spoiling changes in the claims.
const spoil = {
  issuer: (claims) => ({ ...claims, iss: 'https://evil.example' }),
  audience: (claims) => ({ ...claims, aud: 'somebody-else' }),
  expired: (claims) => ({ ...claims, iat: claims.iat - 7200, exp: claims.iat - 3600 }),
  nonce: (claims) => ({ ...claims, nonce: 'of-another-sign-in' }),
  signature: (claims) => claims,
};

const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'hotline',
      client_secret: 'a-secret-of-the-tests',
      redirect_uris: [redirect],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  jwks: { keys: [ours] },
  cookies: { keys: ['of the tests'] },
  pkce: { required: () => true },
  claims: { openid: ['sub', 'groups'], profile: ['name', 'preferred_username'], email: ['email'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) =>
    people[id] && { accountId: id, claims: () => ({ sub: `subject-of-${id}`, preferred_username: id, ...people[id] }) },
  async loadExistingGrant(ctx) {
    const { client, session, provider } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
});

provider.use(async (ctx, next) => {
  await next();
  if (ctx.oidc?.route !== 'token' || !ctx.body?.id_token || !spoiled) return;
  const claims = spoil[spoiled](decodeJwt(ctx.body.id_token));
  const signer = await importJWK(spoiled === 'signature' ? foreign : ours, 'RS256');
  ctx.body.id_token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(signer);
});

const callback = provider.callback();
server.on('request', async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname === '/spoil') {
    spoiled = url.searchParams.get('how');
    response.end();
  } else if (url.pathname.startsWith('/interaction/')) {
    const { params } = await provider.interactionDetails(request, response);
    const known = params.login_hint in people;
    const result = known
      ? { login: { accountId: params.login_hint } }
      : { error: 'access_denied', error_description: 'whoever this is may not come in' };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } else {
    callback(request, response);
  }
});
console.log(issuer);
