import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";

/**
 * A stand-in for an S3-compatible store, on loopback: path-style addresses, PutObject, GetObject, HeadObject and
 * DeleteObject with the status codes, headers and XML errors of the protocol. It insists on a version 4 signature by the right key and on
 * the body's own hash, but does not compute the signature.
 */
export async function startS3Fake(options: { readonly accessKey: string; readonly bucket: string }): Promise<{
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  /** `PUT key` and so on, in order. */
  readonly requests: string[];
  close(): void;
}> {
  const objects = new Map<string, Buffer>();
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const [, bucket = "", ...rest] = new URL(request.url ?? "", "http://s3").pathname.split("/");
      const key = rest.join("/");
      requests.push(`${request.method} ${key}`);
      const refuse = (status: number, code: string) =>
        response
          .writeHead(status, { "content-type": "application/xml" })
          .end(request.method === "HEAD" ? "" : `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
      const authorization = request.headers.authorization ?? "";
      const signed =
        /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[^/]+\/s3\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/;
      if (signed.exec(authorization)?.[1] !== options.accessKey) return refuse(403, "InvalidAccessKeyId");
      if (bucket !== options.bucket) return refuse(404, "NoSuchBucket");
      const said = request.headers["x-amz-content-sha256"];
      if (said !== "UNSIGNED-PAYLOAD" && said !== createHash("sha256").update(body).digest("hex")) {
        return refuse(400, "XAmzContentSHA256Mismatch");
      }
      const object = objects.get(key);
      if (request.method === "PUT") {
        objects.set(key, body);
        return response.writeHead(200, { etag: `"${createHash("md5").update(body).digest("hex")}"` }).end();
      }
      if (request.method === "DELETE") {
        objects.delete(key);
        return response.writeHead(204).end();
      }
      if (object === undefined) return refuse(404, "NoSuchKey");
      response.writeHead(200, {
        "content-length": object.length,
        etag: `"${createHash("md5").update(object).digest("hex")}"`,
        "last-modified": new Date(0).toUTCString(),
      });
      return response.end(request.method === "HEAD" ? undefined : object);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
