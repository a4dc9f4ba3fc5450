// The functions of clients_test.go, by the package jose.
import { createRequire } from "node:module";
import * as jose from "jose";
import { serve } from "./lines.mjs";

const require = createRequire(import.meta.url);
const pairs = {};

function pair(alg) {
  return (pairs[alg] ??= /^[RP]S/.test(alg) && alg !== "RS256" ? rsaPair(alg) : jose.generateKeyPair(alg, { extractable: true }));
}

// rsaPair is the key pair of RS256 for another algorithm: to make one takes long.
async function rsaPair(alg) {
  const { privateKey, publicKey } = await pair("RS256");
  return {
    privateKey: await jose.importPKCS8(await jose.exportPKCS8(privateKey), alg, { extractable: true }),
    publicKey: await jose.importSPKI(await jose.exportSPKI(publicKey), alg, { extractable: true }),
  };
}

async function importKey({ format, text }, alg, isPrivate) {
  switch (format) {
    case "secret":
      return new TextEncoder().encode(text);
    case "pem":
      return isPrivate ? jose.importPKCS8(text, alg) : jose.importSPKI(text, alg);
    case "jwk":
      return jose.importJWK(JSON.parse(text), alg);
    case "jwks":
      return jose.createLocalJWKSet(JSON.parse(text));
    case "url":
      return jose.createRemoteJWKSet(new URL(text));
  }
  throw new Error(`format ${format}`);
}

await serve({
  about: async ({ algorithms }) => {
    const known = [];
    for (const alg of algorithms) {
      await (alg.startsWith("HS") ? jose.generateSecret(alg) : pair(alg)).then(() => known.push(alg), () => {});
    }
    return { version: require("./node_modules/jose/package.json").version, algorithms: known };
  },
  generate: async ({ alg }) => {
    const { privateKey, publicKey } = await pair(alg);
    return {
      private: {
        pem: await jose.exportPKCS8(privateKey),
        jwk: JSON.stringify({ ...(await jose.exportJWK(privateKey)), alg }),
      },
      public: {
        pem: await jose.exportSPKI(publicKey),
        jwk: JSON.stringify({ ...(await jose.exportJWK(publicKey)), alg }),
      },
    };
  },
  sign: async ({ alg, kid, key, claims }) => {
    const header = { alg, kid, typ: "JWT" };
    return { token: await new jose.SignJWT(JSON.parse(claims)).setProtectedHeader(header).sign(await importKey(key, alg, true)) };
  },
  verify: async ({ alg, key, token, audience, issuer }) => {
    const { payload } = await jose.jwtVerify(token, await importKey(key, alg, false), { algorithms: [alg], audience, issuer });
    return { claims: JSON.stringify(payload) };
  },
});
