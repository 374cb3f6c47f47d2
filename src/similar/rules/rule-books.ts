import type { Sql } from "../../database/database.type.js";
import type { Revisions } from "../revisions.js";
import { createRuleBook, type RuleBook } from "./rule-book.js";
import { readLivingRules } from "./similar-rules.repository.js";

export interface RuleBooks {
  /** The rules of this second; see `Revisions` for how old they may be. */
  current(): Promise<RuleBook>;
}

export interface RuleBooksDependencies {
  readonly sql: Sql;
  readonly revisions: Revisions;
  readonly clock?: () => Date;
}

/** Keeps the rules in memory and reads them again when they were changed. */
export function createRuleBooks({ sql, revisions, clock = () => new Date() }: RuleBooksDependencies): RuleBooks {
  let known: { readonly rules: bigint; readonly book: Promise<RuleBook> } | undefined;
  return {
    async current() {
      const { rules } = await revisions.current();
      if (known?.rules === rules) return known.book;
      // Read after the revision, so the book is of that revision or newer, and one that is newer is read once more.
      const book = readLivingRules(sql, clock()).then((living) => createRuleBook(living, rules));
      const mine = { rules, book };
      known = mine;
      book.catch(() => {
        if (known === mine) known = undefined;
      });
      return book;
    },
  };
}
