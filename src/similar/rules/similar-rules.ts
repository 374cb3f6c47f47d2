import type { Database, Sql } from "../../database/database.type.js";
import { BadUserInput } from "../../errors.js";
import { createFindProduct } from "../find-product.js";
import type { Revisions } from "../revisions.js";
import { AmbiguousProduct, ProductNotFound } from "../similar-items.errors.js";
import type { ProductReference } from "../similar-items.type.js";
import { checkDates, checkNote, checkPosition, checkScope } from "./check-rule.js";
import { type NewPin, type NewRule, type SimilarRule, type SimilarRules, stateAt } from "./similar-rule.type.js";
import { RuleExists, RuleNotFound, RuleProductUnknown } from "./similar-rules.errors.js";
import {
  deleteRule,
  findRule,
  insertRule,
  listRules,
  lockRules,
  overlapping,
  type RuleToWrite,
  updateRule,
} from "./similar-rules.repository.js";

export interface SimilarRulesDependencies {
  readonly database: Pick<Database, "query" | "transaction">;
  readonly revisions: Pick<Revisions, "expire">;
  readonly clock?: () => Date;
}

/** @see SimilarRules */
export function createSimilarRules({
  database,
  revisions,
  clock = () => new Date(),
}: SimilarRulesDependencies): SimilarRules {
  async function write<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    try {
      return await database.transaction(async (sql) => {
        await lockRules(sql);
        return work(sql);
      });
    } finally {
      revisions.expire();
    }
  }

  async function add(rule: NewRule, kind: Pick<RuleToWrite, "action" | "position">): Promise<RuleToWrite> {
    checkScope(rule);
    const { from = null, to = null, note = null, forCategory = null } = rule;
    checkDates({ from, to });
    if (to !== null && to <= clock()) throw new BadUserInput("to is over already: the rule would never hold.", ["to"]);
    checkNote(note);
    const productId = await resolve(database, rule.productId, "productId");
    const forProductId =
      rule.forProductId === undefined ? null : await resolve(database, rule.forProductId, "forProductId");
    if (productId === forProductId) {
      throw new BadUserInput("A product is never in its own answer, so there is nothing to pin or to hide.", [
        "forProductId",
      ]);
    }
    return { ...kind, productId, forProductId, forCategory, from, to, note };
  }

  function addOnce(rule: RuleToWrite): Promise<SimilarRule> {
    return write(async (sql) => {
      const others = await overlapping(sql, rule, null);
      const [other] = others;
      if (other === undefined) return insertRule(sql, rule);
      if (others.length === 1 && isSame(other, rule)) return other;
      throw new RuleExists(others.find((each) => !isSame(each, rule)) ?? other);
    });
  }

  return {
    async pin({ position, ...rule }: NewPin) {
      checkPosition(position);
      return addOnce(await add(rule, { action: "PIN", position }));
    },
    async hide(rule) {
      return addOnce(await add(rule, { action: "HIDE", position: null }));
    },
    async change(id, change) {
      if (change.position !== undefined) checkPosition(change.position);
      if (change.note !== undefined) checkNote(change.note);
      return write(async (sql) => {
        const known = await findRule(sql, id);
        if (known === undefined) throw new RuleNotFound(id);
        if (change.position !== undefined && known.action === "HIDE") {
          throw new BadUserInput("A hidden product has no position. Leave it out.", ["position"]);
        }
        const changed = { ...known, ...change };
        checkDates(changed);
        const [other] = await overlapping(sql, changed, id);
        if (other !== undefined) throw new RuleExists(other);
        return updateRule(sql, changed);
      });
    },
    async remove(id) {
      const removed = await write((sql) => deleteRule(sql, id));
      if (removed === undefined) throw new RuleNotFound(id);
      return removed;
    },
    list: (query) => listRules(database, query, clock()),
    stateOf: (rule) => stateAt(rule, clock()),
  };
}

/** Equal in all that was asked for, so that a script can be run again. */
function isSame(known: RuleToWrite, wanted: RuleToWrite): boolean {
  return (
    known.position === wanted.position &&
    known.note === wanted.note &&
    known.from?.getTime() === wanted.from?.getTime() &&
    known.to?.getTime() === wanted.to?.getTime()
  );
}

/** @throws RuleProductUnknown */
async function resolve(sql: Sql, reference: ProductReference, field: RuleProductUnknown["field"]): Promise<bigint> {
  try {
    const id = await createFindProduct(sql)(reference);
    if (id !== undefined) return id;
  } catch (error) {
    throw error instanceof AmbiguousProduct ? new RuleProductUnknown(field, error) : error;
  }
  throw new RuleProductUnknown(field, new ProductNotFound(reference));
}
