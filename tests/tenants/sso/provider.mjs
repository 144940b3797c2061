// An OpenID Connect provider on loopback: npm's oidc-provider, with clients that may go back to Pulse.
//
// Its argument is a JSON document: { modules, port, clients: [{ id, secret, callbacks }] }. A test says by
// POST /people who its people are, { "<login>": { claims } }, and by POST /answers in what it lies: the issuer
// that discovery names, the keys, and the claims and the header of an id_token, which it signs anew.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { pathToFileURL } from "node:url";
import path from "node:path";

const given = JSON.parse(process.argv[2]);
const entry = path.join(given.modules, "oidc-provider", "lib", "index.js");
const { Provider } = await import(pathToFileURL(entry).href);
const issuer = `http://127.0.0.1:${given.port}`;
const people = new Map();
const newKey = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
const foreign = newKey().publicKey.export({ format: "jwk" });
let lies = {};

const ownKey = newKey().privateKey;
const own = ownKey.export({ format: "jwk" });
const encoded = (document) => Buffer.from(JSON.stringify(document)).toString("base64url");
const signatures = {
  RS256: (text) => sign("sha256", Buffer.from(text), ownKey),
  HS256: (text) => createHmac("sha256", given.clients[0].secret).update(text).digest(),
  none: () => Buffer.alloc(0),
};
const signedAnew = (token) => {
  const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  const alg = lies.algorithm ?? "RS256";
  const text = `${encoded({ alg, kid: "own" })}.${encoded({ ...claims, ...lies.token })}`;
  return `${text}.${signatures[alg](text).toString("base64url")}`;
};
const provider = new Provider(issuer, {
  clients: given.clients.map((client) => ({
    client_id: client.id,
    client_secret: client.secret,
    redirect_uris: client.callbacks,
    response_types: ["code"],
    grant_types: ["authorization_code"],
  })),
  jwks: { keys: [{ ...own, use: "sig", alg: "RS256", kid: "own" }] },
  cookies: { keys: ["of the tests"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true, methods: ["S256"] },
  ttl: { Session: 600, Interaction: 600, Grant: 600, AuthorizationCode: 60, IdToken: 600, AccessToken: 600 },
  findAccount: (_, login) => ({ accountId: login, claims: () => ({ sub: login, ...people.get(login) }) }),
  // Nobody is asked for consent.
  loadExistingGrant: async (ctx) => {
    const { Grant } = ctx.oidc.provider;
    const grant = new Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});

provider.use(async (ctx, next) => {
  await next();
  if (ctx.path === "/.well-known/openid-configuration" && lies.issuer) {
    ctx.body = { ...ctx.body, issuer: lies.issuer };
  }
  if (ctx.path === "/jwks" && lies.keysAreForeign) {
    ctx.body = { keys: [{ ...foreign, use: "sig", alg: "RS256", kid: "own" }] };
  }
  if (ctx.path === "/token" && (lies.token || lies.algorithm)) {
    ctx.body = { ...ctx.body, id_token: signedAnew(ctx.body.id_token) };
  }
});

const body = async (request) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
};
const callback = provider.callback();
createServer(async (request, response) => {
  if (request.url === "/people") {
    for (const [login, claims] of Object.entries(await body(request))) people.set(login, claims);
    return response.end("{}");
  }
  if (request.url === "/answers") {
    lies = await body(request);
    return response.end("{}");
  }
  if (request.url === "/away") return response.writeHead(302, { location: "/large" }).end();
  if (request.url === "/large") return response.end("x".repeat(300 * 1024));
  return callback(request, response);
}).listen(given.port, "127.0.0.1");
