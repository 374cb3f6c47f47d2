import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GraphQLError } from "graphql";
import { DatabaseUnreachable } from "../../src/database/errors.js";
import { BadUserInput } from "../../src/errors.js";
import { formatGraphqlError, isUnforeseen } from "../../src/server/graphql-errors.js";

const thrown = (error: Error): GraphQLError =>
  new GraphQLError(error.message, { originalError: error, path: ["field"] });
const format = (error: GraphQLError) => formatGraphqlError(error.toJSON(), error);

describe("errors as callers read them", () => {
  it("tells what they can correct", () => {
    const error = thrown(new BadUserInput("first must be at least 1.", ["first"]));
    assert.equal(isUnforeseen(error), false);
    assert.deepEqual(format(error), {
      message: "first must be at least 1.",
      path: ["field"],
      extensions: { code: "BAD_USER_INPUT", field: ["first"] },
    });
  });

  it("keeps back what is for the operator, and what nobody foresaw", () => {
    const operators = thrown(new DatabaseUnreachable("The Postgres at db.internal/shop", new Error("ECONNREFUSED")));
    assert.equal(isUnforeseen(operators), true);
    assert.deepEqual(format(operators).extensions, { code: "DATABASE_UNREACHABLE" });
    assert.doesNotMatch(format(operators).message, /db\.internal/);
    const unknown = thrown(new TypeError("x is undefined at /srv/app.js"));
    assert.equal(isUnforeseen(unknown), true);
    assert.deepEqual(format(unknown).extensions, { code: "INTERNAL_ERROR" });
    assert.doesNotMatch(format(unknown).message, /app\.js/);
  });

  it("cuts values out of GraphQL's own messages", () => {
    const cases: [string, RegExp][] = [
      [
        'Variable "$n" got invalid value "se;cret; x"; Int cannot represent non-integer value: "se;cret; x"',
        /^Variable "\$n" got an invalid value: Int cannot represent non-integer value\.$/,
      ],
      [
        'Variable "$i" got invalid value { a: "secret" } at "i.a"; Field "b" is not defined by type "T".',
        /^Variable "\$i" got an invalid value at "i\.a": Field "b" is not defined by type "T"\.$/,
      ],
      ['Int cannot represent non-integer value: "secret"', /^Int cannot represent non-integer value\.$/],
      ['Expected value of type "T!", found "secret".', /^Expected value of type "T!"\.$/],
      ['Value "secret" does not exist in "E" enum.', /^Value does not exist in "E" enum\.$/],
    ];
    for (const [message, expected] of cases) {
      const error = new GraphQLError(message, { extensions: { code: "BAD_USER_INPUT" } });
      assert.match(format(error).message, expected);
      assert.doesNotMatch(format(error).message, /secret/);
    }
  });
});
