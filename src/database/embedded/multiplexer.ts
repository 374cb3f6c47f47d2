import net from "node:net";
import { copiesFromClient, createClientReader, fatalError, REFUSE_COPY, ROLLBACK, readAnswer, SYNC } from "./wire.js";

/** Long enough for any honest pause between two statements of a transaction. */
export const IDLE_IN_TRANSACTION_MS = 60_000;

export interface MultiplexerOptions {
  /** Runs protocol messages on the one session and returns what the server answered. */
  readonly execute: (bytes: Buffer) => Promise<Buffer>;
  /** Told once, when `execute` failed, after which the session cannot be trusted any more. */
  readonly onBroken: (error: unknown) => void;
  /** A client that leaves a transaction open without a word for this long is cut off. */
  readonly idleInTransactionMs: number;
}

export interface Multiplexer {
  readonly server: net.Server;
  /** Resolves when no client is connected. */
  emptied(): Promise<void>;
  /** Stops listening and ends all clients, each after the unit that it has under way. */
  close(): Promise<void>;
}

/**
 * Serves one Postgres session to many clients. A client owns the session from the first message of a unit until the
 * server says that no transaction is open, so transactions never mix. What clients do share is the session itself:
 * `SET` without `LOCAL`, session locks and the names of prepared statements.
 */
export function createMultiplexer({ execute, onBroken, idleInTransactionMs }: MultiplexerOptions): Multiplexer {
  const clients = new Set<net.Socket>();
  const turns = createTurns();
  const emptyListeners = new Set<() => void>();

  const server = net.createServer({ noDelay: true }, (socket) => {
    const read = createClientReader();
    let work = Promise.resolve();
    let endTurn: (() => void) | undefined;
    let gone = false;
    let patience: NodeJS.Timeout | undefined;
    clients.add(socket);

    const schedule = (step: () => Promise<void>): void => {
      work = work.then(step).catch((error: unknown) => {
        socket.destroy();
        onBroken(error);
      });
    };

    const runUnit = async (bytes: Buffer): Promise<void> => {
      clearTimeout(patience);
      if (gone) return;
      endTurn ??= await turns.take();
      if (gone) return;
      const bytesBack = await execute(copiesFromClient(bytes) ? REFUSE_COPY : bytes);
      const answer = readAnswer(bytesBack);
      if (!socket.destroyed) socket.write(bytesBack);
      for (const other of clients) {
        if (other !== socket) for (const notification of answer.notifications) other.write(notification);
      }
      if (answer.idle) {
        endTurn();
        endTurn = undefined;
      } else {
        patience = setTimeout(
          () => socket.end(fatalError("25P03", "a transaction was left open for too long")),
          idleInTransactionMs,
        );
      }
    };

    const leave = async (): Promise<void> => {
      if (!endTurn) return;
      try {
        // Sync first: after an error, or in the middle of a unit, the server skips everything up to it.
        if (!readAnswer(await execute(SYNC)).idle) await execute(ROLLBACK);
      } finally {
        endTurn();
        endTurn = undefined;
      }
    };

    socket.on("data", (chunk) => {
      for (const request of read(chunk)) {
        if (request.kind === "encryption") socket.write("N");
        else if (request.kind === "end") socket.end();
        else schedule(() => runUnit(request.bytes));
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      gone = true;
      clearTimeout(patience);
      schedule(async () => {
        await leave();
        clients.delete(socket);
        if (clients.size === 0) for (const listener of emptyListeners) listener();
      });
    });
  });

  const emptied = async (): Promise<void> => {
    if (clients.size > 0) await new Promise<void>((resolve) => emptyListeners.add(resolve));
  };
  return {
    server,
    emptied,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of clients) socket.end(fatalError("57P01", "the embedded database is shutting down"));
      const grace = setTimeout(() => {
        for (const socket of clients) socket.destroy();
      }, 2_000);
      await emptied();
      clearTimeout(grace);
      await closed;
    },
  };
}

/** First come, first served. */
function createTurns(): { take(): Promise<() => void> } {
  let last = Promise.resolve();
  return {
    async take() {
      let end = (): void => {};
      const previous = last;
      last = new Promise<void>((resolve) => {
        end = resolve;
      });
      await previous;
      return end;
    },
  };
}
