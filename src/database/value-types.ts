import pg from "pg";

const INT8 = 20;
const INT8_ARRAY = 1016;

/**
 * How column values arrive: int8 as bigint, because product ids outgrow a double; numeric as string; timestamptz as
 * Date. Set per pool and not globally; Prisma's adapter brings its own parsers with each query.
 */
export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format) {
    if (format !== "binary") {
      if (oid === INT8) return BigInt;
      if (oid === INT8_ARRAY) return parseBigintArray;
    }
    return pg.types.getTypeParser(oid, format);
  },
};

function parseBigintArray(text: string): unknown[] {
  const parseTextArray: (text: string) => unknown[] = pg.types.getTypeParser(INT8_ARRAY as number, "text");
  const convert = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(convert) : value === null ? null : BigInt(String(value));
  return parseTextArray(text).map(convert);
}
