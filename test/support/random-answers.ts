import { Agent, type IncomingMessage, request as send } from "node:http";
import type { RandomRequest } from "./random-requests.js";

export interface RandomAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Sends as it is: fetch would correct what is wrong on purpose. */
export interface Sender {
  send(request: RandomRequest): Promise<RandomAnswer>;
  close(): void;
}

const PATIENCE_MS = 60_000;

export function createSender(address: string, lanes: number): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const { hostname, port } = new URL(address);
  return {
    send: ({ method, path, headers, body }) =>
      new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
        const options = {
          agent,
          hostname,
          port,
          method,
          path,
          headers: { ...headers, ...length },
          timeout: PATIENCE_MS,
        };
        const request = send(options, (response) => resolve(read(response)));
        request.on("timeout", () => request.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
        request.on("error", reject);
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

async function read(response: IncomingMessage): Promise<RandomAnswer> {
  const status = response.statusCode ?? 0;
  const type = String(response.headers["content-type"] ?? "");
  if (type.startsWith("text/event-stream")) {
    // It would go on for as long as somebody listens.
    const [first] = await response.take(1).toArray();
    response.destroy();
    return { status, type, text: String(first ?? "") };
  }
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status, type, text: Buffer.concat(chunks).toString("utf8") };
}

const MASKED = "Something went wrong on the server.";
const STACK = /node_modules|\bat [^\n]{0,200}\(?(file:|\/)[^\n]{0,200}:\d+:\d+|\.[jt]s:\d+|stacktrace|"stack"/i;

/** What is wrong with an answer, if anything is; and the codes of its errors. */
export function judge(
  { method, path }: RandomRequest,
  { status, type, text }: RandomAnswer,
): { problem?: string; codes: string[] } {
  if (status >= 500) return { problem: `status ${status}`, codes: [] };
  if (STACK.test(text) && !path.startsWith("/explorer")) return { problem: "a stack", codes: [] };
  if (method === "HEAD" || status === 204 || status === 304 || (method === "OPTIONS" && text === ""))
    return { codes: [] };
  if (type.startsWith("text/event-stream")) return { codes: [] };
  if (/^(image|text\/(html|javascript|css))/.test(type) && status === 200) return { codes: [] };
  let answer: { data?: unknown; errors?: { message?: unknown; extensions?: { code?: unknown } }[] };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    return { problem: `no JSON: ${type} ${text.slice(0, 100)}`, codes: [] };
  }
  const errors = answer.errors ?? [];
  if (status >= 400 && errors.length === 0) return { problem: `status ${status} without errors`, codes: [] };
  const codes: string[] = [];
  for (const { message, extensions } of errors) {
    if (typeof extensions?.code !== "string") return { problem: `an error without a code: ${String(message)}`, codes };
    if (message === MASKED) return { problem: `a fault: ${extensions.code}`, codes };
    codes.push(extensions.code);
  }
  if (errors.length === 0) return { codes: ["answered"] };
  const isPartial = typeof answer.data === "object" && answer.data !== null;
  return { codes: isPartial ? ["answered in part", ...codes] : codes };
}
