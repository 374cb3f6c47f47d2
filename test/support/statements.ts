import type { Database } from "../../src/database/database.type.js";

/** Notes the text of the statements that go to the database and match, until `stop`. */
export function countStatements(
  { pool }: Pick<Database, "pool">,
  wanted: RegExp,
): { readonly statements: readonly string[]; stop(): void } {
  const statements: string[] = [];
  const query = pool.query.bind(pool);
  pool.query = ((...args: Parameters<typeof query>) => {
    const [first] = args as unknown[];
    const text = typeof first === "string" ? first : (first as { text: string }).text;
    if (wanted.test(text)) statements.push(text);
    return query(...args);
  }) as typeof pool.query;
  return {
    statements,
    stop() {
      pool.query = query;
    },
  };
}
