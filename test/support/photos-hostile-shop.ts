import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Network } from "../../src/catalog/fetching/guarded-connector.js";
import { gif, heicHeader, jpegPhoto, jpegWithHugeExif, pngBomb } from "./photos-samples.js";

/** An address of the public Internet as far as the guard can tell; this test's network leads it to loopback. */
export const PUBLIC_ADDRESS = "93.184.215.14";

export interface HostileShop {
  /** `http://shop.example:PORT` */
  readonly origin: string;
  readonly port: number;
  /** Port of the server that speaks broken HTTP. */
  readonly rawPort: number;
  /** Paths that were asked for, with the host that the client named. */
  readonly requests: { readonly host: string; readonly path: string; readonly headers: http.IncomingHttpHeaders }[];
  readonly network: Network;
  /** Names that the network was asked to resolve, in order. */
  readonly resolved: string[];
  close(): Promise<void>;
}

/** A stand-in for shops on the Internet that are broken or mean harm: real HTTP on loopback, and a resolver that lies. */
export async function startHostileShop(): Promise<HostileShop> {
  const requests: HostileShop["requests"] = [];
  const resolved: string[] = [];
  const answers = await prepareAnswers();
  const seen = new Map<string, number>();

  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://shop.example");
    requests.push({ host: request.headers.host ?? "", path: url.pathname, headers: request.headers });
    const times = (seen.get(url.href) ?? 0) + 1;
    seen.set(url.href, times);
    response.on("error", () => {});
    const answer = answers[url.pathname];
    if (answer === undefined) response.writeHead(404).end("nothing here");
    else answer(response, url, times, request);
  });
  const raw = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => rawAnswer(socket, data.toString("latin1").split(" ")[1] ?? ""));
  });
  for (const each of [server, raw]) {
    each.listen(0, "127.0.0.1");
    await once(each, "listening");
  }
  const port = (server.address() as AddressInfo).port;
  const rawPort = (raw.address() as AddressInfo).port;

  let rebound = 0;
  const network: Network = {
    async resolve(hostname) {
      resolved.push(hostname);
      if (hostname === "intranet.example") return [{ address: "10.0.0.7", family: 4 }];
      if (hostname === "metadata.example") return [{ address: "169.254.169.254", family: 4 }];
      if (hostname === "six.example") return [{ address: "fd12:3456::7", family: 6 }];
      if (hostname === "nowhere.example") return [];
      if (hostname === "gone.example") throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
      if (hostname === "rebinding.example" && rebound++ > 0) return [{ address: "127.0.0.1", family: 4 }];
      const address = { address: PUBLIC_ADDRESS, family: 4 };
      return hostname === "mixed.example" ? [{ address: "10.0.0.7", family: 4 }, address] : [address];
    },
    route: (address) => (address.address === PUBLIC_ADDRESS ? { address: "127.0.0.1", family: 4 } : address),
  };

  return {
    origin: `http://shop.example:${port}`,
    port,
    rawPort,
    requests,
    resolved,
    network,
    async close() {
      server.closeAllConnections();
      server.close();
      raw.close();
    },
  };
}

type Answer = (response: http.ServerResponse, url: URL, times: number, request: http.IncomingMessage) => void;

async function prepareAnswers(): Promise<Record<string, Answer>> {
  const photo = await jpegPhoto();
  const send =
    (bytes: Buffer | string, type = "image/jpeg", headers: http.OutgoingHttpHeaders = {}): Answer =>
    (response) =>
      response.writeHead(200, { "content-type": type, ...headers }).end(bytes);
  const status =
    (code: number, headers: http.OutgoingHttpHeaders = {}): Answer =>
    (response) =>
      response.writeHead(code, headers).end("no");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="/etc/passwd"/></svg>`;
  return {
    "/photo.jpg": send(photo),
    "/wrong-type": send(photo, "text/html; charset=utf-8"),
    "/truncated.jpg": send(photo.subarray(0, photo.length / 2)),
    "/bomb.png": send(pngBomb(), "image/png"),
    "/drawing.svg": send(svg, "image/svg+xml"),
    "/drawing.jpg": send(`<?xml version="1.0"?>\n${svg}`),
    "/page.jpg": send("<!DOCTYPE html><title>Sale</title>"),
    "/phone.heic": send(heicHeader(), "image/heic"),
    "/noise.jpg": send(Buffer.alloc(5000, 0x41)),
    "/empty.jpg": send(""),
    "/pixel.gif": send(gif(1), "image/gif"),
    "/frames.gif": send(gif(5000), "image/gif"),
    "/polyglot.jpg": send(Buffer.concat([photo, Buffer.from("<script>alert(1)</script>")])),
    "/huge-exif.jpg": send(await jpegWithHugeExif()),
    "/large.jpg": (response) => {
      response.writeHead(200);
      for (let sent = 0; sent < 40; sent += 1) response.write(Buffer.alloc(65_536, 0xff));
      response.end();
    },
    "/announced-large.jpg": (response) => {
      response.writeHead(200, { "content-length": String(30 * 1024 ** 2) });
      response.write(photo);
    },
    "/gzip-bomb.jpg": send(gzipSync(Buffer.alloc(20 * 1024 ** 2)), "image/jpeg", { "content-encoding": "gzip" }),
    "/gzipped.jpg": send(gzipSync(photo), "image/jpeg", { "content-encoding": "gzip" }),
    "/broken-gzip.jpg": send(photo, "image/jpeg", { "content-encoding": "gzip" }),
    "/zstd.jpg": send(photo, "image/jpeg", { "content-encoding": "zstd" }),
    "/twice-packed.jpg": send(photo, "image/jpeg", { "content-encoding": "gzip, gzip" }),
    "/forbidden.jpg": status(403),
    "/gone.jpg": status(410),
    "/making.jpg": status(202),
    "/overloaded.jpg": status(503, { "retry-after": "120" }),
    "/limited.jpg": status(429, { "retry-after": new Date(Date.now() + 90_000).toUTCString() }),
    "/part.jpg": status(206),
    "/500-once.jpg": (response, _url, times) =>
      times === 1 ? response.writeHead(500).end() : response.writeHead(200).end(photo),
    "/not-modified.jpg": status(304),
    "/cached.jpg": (response, _url, _times, request) => {
      const headers = { etag: '"v1"', "last-modified": "Mon, 02 Nov 2026 10:00:00 GMT" };
      if (request.headers["if-none-match"] === '"v1"') response.writeHead(304, headers).end();
      else response.writeHead(200, headers).end(photo);
    },
    "/redirect": (response, url) =>
      response.writeHead(302, { location: url.searchParams.get("to") ?? "" }).end("moved"),
    "/redirect-nowhere": status(302),
    "/redirect-endless-body": (response, url) => {
      response.writeHead(301, { location: url.searchParams.get("to") ?? "" });
      flood(response);
    },
    "/loop": status(302, { location: "/loop" }),
    "/hops": (response, url) => {
      const left = Number(url.searchParams.get("left"));
      if (left === 0) response.writeHead(200).end(photo);
      else response.writeHead(307, { location: `/hops?left=${left - 1}` }).end();
    },
    "/cookies": (response, _url, _times, request) =>
      request.headers.cookie === undefined
        ? response.writeHead(200, { "set-cookie": "a=b" }).end(photo)
        : response.writeHead(400).end(),
    "/endless.jpg": (response) => {
      response.writeHead(200);
      flood(response);
    },
    "/slow-body.jpg": (response) => {
      response.writeHead(200, { "content-length": String(photo.length) });
      let at = 0;
      const drip = setInterval(() => response.write(photo.subarray(at, ++at)), 20);
      response.on("close", () => clearInterval(drip));
    },
    "/stalled-body.jpg": (response) => {
      response.writeHead(200, { "content-length": String(photo.length) });
      response.write(photo.subarray(0, 100));
    },
    "/slow-headers.jpg": () => {},
    "/reset.jpg": (response) => response.socket?.resetAndDestroy(),
  };
}

function flood(response: http.ServerResponse): void {
  const chunk = Buffer.alloc(65_536, 0xff);
  const pour = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", pour);
  pour();
}

function rawAnswer(socket: net.Socket, path: string): void {
  switch (path) {
    case "/content-length-larger":
      return void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this");
    case "/content-length-smaller":
      return void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\xff\xd8\xff\xe0 and much more", "latin1");
    case "/content-length-twice":
      return void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 9\r\n\r\nfour");
    case "/huge-headers":
      return void socket.end(`HTTP/1.1 200 OK\r\nx-large: ${"a".repeat(100_000)}\r\n\r\n`);
    case "/header-drip": {
      socket.write("HTTP/1.1 200 OK\r\n");
      const drip = setInterval(() => socket.write("x: y\r\n"), 20);
      return void socket.on("close", () => clearInterval(drip));
    }
    case "/chunk-broken":
      return void socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nnot a size\r\n");
    case "/cut":
      return void socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    default:
      return void socket.end("SSH-2.0-OpenSSH_9.2\r\n");
  }
}
