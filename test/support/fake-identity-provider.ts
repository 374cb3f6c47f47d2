import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

export interface FakeIdentityProvider {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** How often the keys were read. */
  readonly reads: () => number;
  /** A token signed with the newest key. */
  token(claims?: JWTPayload, header?: { readonly kid?: string }, life?: "endless"): Promise<string>;
  /** A new key; the old ones stay only when told so. */
  rotate(options: { readonly keepOld: boolean }): Promise<void>;
  /** What /keys answers from now on: the keys, nothing at all, an error, or something else. */
  behave(how: "well" | "silent" | "failing" | "garbled"): void;
  publicKey(): JWK;
  close(): Promise<void>;
}

/** An identity provider as far as a verifier sees one (RFC 7517): a fake, on the loopback interface. */
export async function openIdentityProvider(audience = "lookalike"): Promise<FakeIdentityProvider> {
  let behaviour: "well" | "silent" | "failing" | "garbled" = "well";
  let reads = 0;
  let keys: { readonly kid: string; readonly privateKey: CryptoKey; readonly jwk: JWK }[] = [];
  const server = createServer((_, response) => {
    reads += 1;
    if (behaviour === "silent") return;
    const answers = {
      well: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }),
      garbled: "<html>",
      failing: "down",
    };
    response.writeHead(behaviour === "failing" ? 500 : 200, { "content-type": "application/json" });
    response.end(answers[behaviour]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const provider: FakeIdentityProvider = {
    issuer,
    jwksUrl: `${issuer}keys`,
    reads: () => reads,
    token: (claims = {}, header = {}, life = undefined) => {
      const { kid, privateKey } = keys[0]!;
      const end = life === "endless" ? {} : { exp: inSeconds(300) };
      return new SignJWT({ iss: issuer, aud: audience, sub: "anna", ...end, ...claims })
        .setProtectedHeader({ alg: "ES256", kid, ...header })
        .sign(privateKey);
    },
    async rotate({ keepOld }) {
      const { publicKey, privateKey } = await generateKeyPair("ES256");
      const kid = randomUUID();
      const jwk = { ...(await exportJWK(publicKey)), kid, use: "sig", alg: "ES256" };
      keys = [{ kid, privateKey, jwk }, ...(keepOld ? keys : [])];
    },
    behave(how) {
      behaviour = how;
    },
    publicKey: () => keys[0]!.jwk,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await provider.rotate({ keepOld: false });
  return provider;
}

export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}
