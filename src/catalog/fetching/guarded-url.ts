import { FetchFailed } from "./guarded-fetch.error.js";

/** For messages and logs: without the query, where signed addresses carry their signature, and not too long. */
export function describeUrl(url: URL | string): string {
  const text = typeof url === "string" ? (url.split(/[?#]/, 1)[0] ?? "") : `${url.origin}${url.pathname}`;
  const plain = text.replace(/\/\/[^/]*@/, "//");
  return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain;
}

/**
 * Parses an address that somebody else named. WHATWG parsing turns 2130706433 and 0x7f.1 into 127.0.0.1, so that the
 * address check sees what would be dialled.
 * @param base address that redirected here
 * @throws FetchFailed
 */
export function parseGuardedUrl(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (error) {
    throw new FetchFailed(
      base === undefined ? "FETCH_URL_INVALID" : "FETCH_REDIRECT_INVALID",
      `"${describeUrl(text)}" is not an address. Give an http or https address.`,
      {},
      { cause: error },
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new FetchFailed("FETCH_SCHEME_REFUSED", `${url.protocol} addresses are not fetched, only http and https.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new FetchFailed(
      "FETCH_CREDENTIALS_REFUSED",
      `The address of ${describeUrl(url)} carries a user name or password. Remove them, or use a signed address.`,
    );
  }
  // Well-known services other than the web's (SMTP, SSH …) can be made to act on an HTTP request.
  const port = url.port === "" ? undefined : Number(url.port);
  if (port !== undefined && port < 1024 && port !== 80 && port !== 443) {
    throw new FetchFailed(
      "FETCH_PORT_REFUSED",
      `Port ${port} of ${url.hostname} is not fetched: use 80, 443 or ≥ 1024.`,
    );
  }
  if (base?.protocol === "https:" && url.protocol === "http:") {
    throw new FetchFailed(
      "FETCH_DOWNGRADE_REFUSED",
      `${describeUrl(base)} redirects from https to http. Name the final address, or serve it by https.`,
    );
  }
  return url;
}
