import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface FeedServer {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  /** Photos that were asked for so far, repeats included. */
  photoRequests(): number;
  close(): Promise<void>;
}

/**
 * A shop's web server on loopback that serves the files of a folder, photos slowly, as a busy shop does. Paths of
 * photos in the feed become addresses.
 */
export async function serveFolder(folder: string, photoDelayMs: number): Promise<FeedServer> {
  let photos = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const name = path.normalize(decodeURIComponent(new URL(request.url!, "http://shop").pathname));
      const isPhoto = name.startsWith("/photos/");
      if (isPhoto) {
        photos += 1;
        await delay(photoDelayMs);
      }
      const bytes = await readFile(path.join(folder, name)).catch(() => undefined);
      if (bytes === undefined) return response.writeHead(404).end();
      if (isPhoto) return response.writeHead(200, { "content-type": "image/png" }).end(bytes);
      const text = bytes.toString("utf8").replaceAll(",photos/", `,http://${request.headers.host}/photos/`);
      return response.writeHead(200, { "content-type": "text/csv" }).end(text);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    photoRequests: () => photos,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
