import { AsyncLocalStorage } from "node:async_hooks";
import type pg from "pg";
import type { Database, Sql } from "./database.type.js";
import { TransactionAborted, TransactionMisuse } from "./errors.js";

/** The transaction that the running code is inside of; shared by every database, each looks for its own. */
const current = new AsyncLocalStorage<{ readonly pool: pg.Pool; open: boolean }>();

/** Statements and transactions over a pool, as `Database` promises them. */
export function pooledSql(pool: pg.Pool, kind: Database["kind"]): Pick<Database, "query" | "transaction"> {
  const refuseInsideTransaction = (what: string): void => {
    const transaction = current.getStore();
    if (transaction?.open && transaction.pool === pool) throw new TransactionMisuse(what);
  };
  return {
    async query(text, parameters, options) {
      refuseInsideTransaction("database.query");
      return run(pool, kind, text, parameters, options);
    },
    async transaction(work) {
      refuseInsideTransaction("database.transaction");
      const client = await pool.connect();
      const state = { pool, open: true };
      let broken: Error | undefined;
      const remember = (error: Error): void => {
        broken = error;
      };
      client.on("error", remember);
      try {
        await client.query("BEGIN");
        const sql: Sql = { query: (text, parameters, options) => run(client, kind, text, parameters, options) };
        const result = await current.run(state, () => work(sql));
        // Postgres answers COMMIT with ROLLBACK, and without an error, when a statement's failure was swallowed.
        if ((await client.query("COMMIT")).command !== "COMMIT") throw new TransactionAborted();
        return result;
      } catch (error) {
        await client.query("ROLLBACK").catch(remember);
        throw error;
      } finally {
        state.open = false;
        client.off("error", remember);
        client.release(broken);
      }
    },
  };
}

async function run<Row>(
  connection: pg.Pool | pg.PoolClient,
  kind: Database["kind"],
  text: string,
  parameters: readonly unknown[] = [],
  options: { readonly name?: string } = {},
): Promise<Row[]> {
  const result = await connection.query({
    text,
    // Without parameters pg speaks the simple protocol, which allows several statements in one text.
    ...(parameters.length > 0 ? { values: [...parameters] } : {}),
    ...(options.name !== undefined && kind === "postgres" ? { name: options.name } : {}),
  });
  return result.rows as Row[];
}
