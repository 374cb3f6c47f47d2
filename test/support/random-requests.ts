import { createHash } from "node:crypto";
import type { Random } from "./random-catalog.js";
import type { RandomDocument, RandomDocuments } from "./random-documents.js";
import type { RandomValues } from "./random-values.js";

/** What goes over the wire. */
export interface RandomRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Buffer;
}

const JSON_TYPE = { "content-type": "application/json" };
const PREFLIGHT = { "apollo-require-preflight": "1" };

/** Requests over HTTP, most of which a GraphQL server has to look into, some of which are none. */
export function createRandomRequests(
  documents: ReadonlyMap<string, RandomDocuments>,
  random: Random,
  values: RandomValues,
  adminToken: string,
): () => RandomRequest {
  const { pick, chance, below } = random;
  const paths = [...documents.keys()];

  const credentials = (): Record<string, string> => {
    const kind = below(20);
    if (kind < 8) return {};
    if (kind < 18) return { authorization: `Bearer ${adminToken}` };
    return pick([
      { authorization: pick(["Bearer", "Bearer x", "Basic eDp5", "Bearer a.b.c", "\u00e9"]) },
      { "x-storefront-key": pick(["", "key", "x".repeat(5_000)]) },
    ]);
  };
  const oddHeaders = (): Record<string, string> =>
    chance(0.85)
      ? {}
      : pick<Record<string, string>>([
          { accept: pick(["text/html", "application/graphql-response+json", "multipart/mixed", "*/*;q=x", ",,"]) },
          { host: pick(["[", "a b", "x".repeat(300), "user@host:99999", "-", "\u00e9", "127.0.0.1:0"]) },
          { "x-forwarded-for": pick(["unknown", "1.2.3.4, <script>", "::1", ",", "999.1.1.1"]) },
          { "x-forwarded-host": pick(["[", "evil.example", "a/b?c#d"]), "x-forwarded-proto": "gopher" },
          { "if-none-match": pick(["*", 'W/"x', ",,,", '"a","b"']) },
          { "content-encoding": pick(["gzip", "br", "identity", "nothing"]) },
          { "accept-version": "9.x" },
          { origin: pick(["null", "https://evil.example", "x"]) },
          { expect: "200-maybe" },
        ]);

  const bodyOf = (document: RandomDocument): string =>
    JSON.stringify(document).replaceAll(/"\u2063raw:([^\u2063]*)\u2063"/g, "$1");

  const post = (path: string, document: RandomDocument): RandomRequest => ({
    method: "POST",
    path,
    headers: { ...JSON_TYPE, ...credentials(), ...oddHeaders() },
    body: bodyOf(document),
  });

  const oddBodies: ((body: string) => string | Buffer)[] = [
    (body) => `[${body},${body}]`,
    (body) => body.slice(0, below(body.length)),
    (body) => `${body.slice(0, -1)},"query":"{ __typename }","query":7}`,
    (body) => `{"__proto__":{"admin":true},${body.slice(1)}`,
    (body) => `{"constructor":{"prototype":{"x":1}},${body.slice(1)}`,
    (body) => Buffer.concat([Buffer.from(body), Buffer.from([0xff, 0xfe, 0x00])]),
    (body) => Buffer.from(body, "utf16le"),
    () => pick(["", "null", "true", "7", '"text"', "[]", "{}", "[null]", "{", "\u0000", "NaN", '{"query":null}']),
    () => `{"query":${pick(["7", "[]", "{}", "true", '["{ __typename }"]'])}}`,
    () => `{"query":"{ __typename }","variables":${pick(["7", "[]", '"x"', "true", "[{}]"])}}`,
    () =>
      `{"query":"{ __typename }","extensions":${pick(["7", "[]", '"x"', '{"persistedQuery":7}', '{"persistedQuery":{}}', '{"persistedQuery":{"version":1,"sha256Hash":{"a":1}}}', '{"persistedQuery":{"version":"1","sha256Hash":"x"}}'])}}`,
    () =>
      `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":${pick(["7", "null", '"__proto__"', '{"toString":1}', '["a"]'])}}}}`,
    () =>
      `{"query":"query ($id: ID!) { product(id: $id) { id } }","variables":{"id":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`,
    () => `{"query":"{ __typename }","padding":"${"x".repeat(below(400_000))}"}`,
  ];
  const contentTypes = [
    ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/graphql"],
    ...["application/json; charset=utf-16", "application/json;", "", "x", "application/json, text/plain"],
  ];

  const get = (path: string, document: RandomDocument): RandomRequest => {
    const hash = createHash("sha256")
      .update(chance(0.5) ? document.query : values.text())
      .digest("hex");
    const all: [string, string][] = [
      ["query", document.query.slice(0, 6_000)],
      ["variables", chance(0.8) ? bodyOf(document).slice(0, 4_000) : values.text()],
      ["operationName", values.text().slice(0, 200)],
      ["extensions", JSON.stringify({ persistedQuery: { version: pick([1, 2, "1"]), sha256Hash: hash } })],
      ["extensions", pick(["{", "null", "[]", "7", ""])],
      ["query", "{ __typename }"],
    ];
    const parameters = new URLSearchParams(all.filter(() => chance(0.4)));
    const method = chance(0.85) ? "GET" : pick(["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "QUERY"]);
    const odd = chance(0.1) ? pick(["&query=%", "&query[]=x", "&variables=%00", "&=&&", "&__proto__=1", "#x"]) : "";
    const headers = { ...(chance(0.8) ? PREFLIGHT : {}), ...credentials(), ...oddHeaders() };
    return { method, path: `${path}?${parameters}${odd}`, headers };
  };

  const elsewhere = (): RandomRequest => ({
    method: pick(["GET", "GET", "POST", "HEAD", "DELETE"]),
    path: pick([
      ...[
        "/photos/img_1",
        `/photos/${"x".repeat(300)}`,
        "/photos/%",
        "/photos/%00",
        "/photos/img_99999999999999999999",
      ],
      ...["/photos/..%2f..%2fetc%2fpasswd", "/photos/", "//", "/%ff", "/graphql/", "/graphql/nothing", "/..", "/*"],
      ...["/healthz", "/healthz?x=%", "/explorer/react.js%00", "/explorer/../package.json", `/${"a/".repeat(2_000)}`],
    ]),
    headers: { ...oddHeaders(), ...(chance(0.3) ? JSON_TYPE : {}) },
  });

  const stream = (document: RandomDocument): RandomRequest => ({
    method: pick(["POST", "POST", "POST", "GET", "PUT", "DELETE"]),
    path: `/graphql/stream${pick(["", "?token=x", "?operationId=1"])}`,
    headers: {
      ...JSON_TYPE,
      accept: pick(["text/event-stream", "application/json", "*/*"]),
      ...credentials(),
      ...(chance(0.2) ? { "x-graphql-event-stream-token": "x" } : {}),
    },
    body: chance(0.9) ? bodyOf(document) : String(pick(oddBodies)(bodyOf(document))),
  });

  return () => {
    const path = chance(0.9) ? paths[0]! : pick(paths);
    const document = documents.get(path)!.next();
    const kind = below(100);
    if (kind < 70) return post(path, document);
    if (kind < 80) return { ...post(path, document), body: pick(oddBodies)(bodyOf(document)) };
    if (kind < 84) {
      const request = post(path, document);
      return { ...request, headers: { ...request.headers, "content-type": pick(contentTypes) } };
    }
    if (kind < 93) return get(path, document);
    if (kind < 96) return stream(document);
    return elsewhere();
  };
}
