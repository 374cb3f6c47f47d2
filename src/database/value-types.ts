import pg from "pg";

const INT8 = 20;
const INT8_ARRAY = 1016;
const FLOAT8_ARRAY = 1022;
const TEXT_ARRAY = 1009;

/**
 * How column values arrive: int8 as bigint, because product ids outgrow a double; numeric as string; timestamptz as
 * Date. Set per pool and not globally; Prisma's adapter brings its own parsers with each query.
 */
export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format) {
    if (format !== "binary") {
      if (oid === INT8) return BigInt;
      if (oid === INT8_ARRAY) return parseBigints;
      if (oid === FLOAT8_ARRAY) return parseFloats;
    }
    return pg.types.getTypeParser(oid, format);
  },
};

/** Arrays of numbers hold no quotes: cutting at commas takes a fifth of the general parser's time. */
function parseNumbers<Value>(text: string, parse: (value: string) => Value): unknown {
  if (text === "{}") return [];
  if (text.startsWith("{{") || text.startsWith("[")) return parseNested(text, parse);
  return text
    .slice(1, -1)
    .split(",")
    .map((value) => (value === "NULL" ? null : parse(value)));
}

const parseBigints = (text: string): unknown => parseNumbers(text, BigInt);
const parseFloats = (text: string): unknown => parseNumbers(text, Number);

/** Of several dimensions, or with bounds of its own. */
function parseNested<Value>(text: string, parse: (value: string) => Value): unknown {
  const parseTextArray: (text: string) => unknown[] = pg.types.getTypeParser(TEXT_ARRAY as number, "text");
  const convert = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(convert) : value === null ? null : parse(String(value));
  return parseTextArray(text).map(convert);
}
