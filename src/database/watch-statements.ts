import type pg from "pg";
import type { AnsweredStatement } from "./database.type.js";

type Listener = (statement: AnsweredStatement) => void;

/**
 * Times every statement on the connections of a pool, whoever sends it, from when its connection has it until its
 * answer. COPY streams are not among them. Costs nothing while nobody listens.
 * @returns adds a listener, and gives back what takes it away again
 */
export function watchStatements(pool: pg.Pool): (listener: Listener) => () => void {
  const listeners = new Set<Listener>();
  pool.on("connect", (client) => {
    const query = client.query.bind(client) as (...sent: unknown[]) => unknown;
    const watched = (...sent: unknown[]): unknown => {
      if (listeners.size === 0) return query(...sent);
      const startedAt = performance.now();
      const tell = (failed: boolean): void => {
        const seconds = (performance.now() - startedAt) / 1000;
        for (const listener of listeners) listener({ kind: kindOf(sent[0]), seconds, failed });
      };
      const callback = sent.at(-1);
      if (typeof callback === "function") {
        return query(...sent.slice(0, -1), (error: unknown, result: unknown) => {
          tell(Boolean(error));
          callback(error, result);
        });
      }
      const answer = query(...sent);
      if (answer instanceof Promise) {
        answer.then(
          () => tell(false),
          () => tell(true),
        );
      }
      return answer;
    };
    client.query = watched as typeof client.query;
  });
  return (listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
}

const KINDS = /^\s*(select|with|insert|update|delete|begin|commit|rollback)\b/i;

function kindOf(sent: unknown): AnsweredStatement["kind"] {
  const text = typeof sent === "string" ? sent : (sent as { readonly text?: unknown } | undefined)?.text;
  const word = typeof text === "string" ? KINDS.exec(text)?.[1]?.toLowerCase() : undefined;
  return (word ?? "other") as AnsweredStatement["kind"];
}
