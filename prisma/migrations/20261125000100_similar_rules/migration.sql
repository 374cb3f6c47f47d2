-- What the shop decides about its answers: products pinned at a position and products hidden, for one product's answer,
-- for a category's, or everywhere.
CREATE TYPE "similar_rule_action" AS ENUM ('PIN', 'HIDE');

CREATE TABLE "similar_rule" (
    "id" BIGSERIAL NOT NULL,
    "action" "similar_rule_action" NOT NULL,
    -- The product that is shown or hidden.
    "product_id" BIGINT NOT NULL,
    -- The product whose answer it is about; or a category, outermost first; or neither: every answer.
    "for_product_id" BIGINT,
    "for_category" TEXT[],
    "position" INTEGER,
    "valid_from" TIMESTAMPTZ(3),
    "valid_to" TIMESTAMPTZ(3),
    "note" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "similar_rule_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "similar_rule_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "product"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "similar_rule_for_product_id_fkey" FOREIGN KEY ("for_product_id") REFERENCES "product"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "similar_rule_position" CHECK (("action" = 'PIN') = ("position" IS NOT NULL) AND "position" BETWEEN 1 AND 100),
    CONSTRAINT "similar_rule_scope" CHECK ("for_product_id" IS NULL OR "for_category" IS NULL AND "for_product_id" <> "product_id"),
    CONSTRAINT "similar_rule_category" CHECK (cardinality("for_category") > 0),
    CONSTRAINT "similar_rule_dates" CHECK ("valid_from" < "valid_to")
);
CREATE INDEX "similar_rule_product_id_idx" ON "similar_rule"("product_id");
CREATE INDEX "similar_rule_for_product_id_idx" ON "similar_rule"("for_product_id");

-- How often what answers rest on was changed, so that a process can tell whether what it remembers still holds. The
-- number of a topic is the sum over its rows: a writer counts in a row that no other writer has locked, and makes one
-- when there is none, so that writers never wait for each other. Topics: −1 rules, 0 products, else a model version's
-- vectors. In the schema that Prisma does not look at. docs/decisions/211-counting-changes.md.
CREATE TABLE "vectors"."change_count" (
    "slot" BIGSERIAL PRIMARY KEY,
    "topic" INTEGER NOT NULL,
    "changes" BIGINT NOT NULL
) WITH (fillfactor = 10);

CREATE FUNCTION "vectors"."note_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM changed) THEN RETURN NULL; END IF;
    UPDATE vectors.change_count SET changes = changes + 1
    WHERE slot = (
        SELECT slot FROM vectors.change_count WHERE topic = TG_ARGV[0]::int LIMIT 1 FOR UPDATE SKIP LOCKED
    );
    IF NOT FOUND THEN
        INSERT INTO vectors.change_count (topic, changes) VALUES (TG_ARGV[0]::int, 1);
    END IF;
    RETURN NULL;
END
$$;

-- Has the changes of a table counted. A statement of one kind is a trigger of its own, because only then Postgres says
-- which rows it changed; one that changed none is not counted.
CREATE FUNCTION "vectors"."count_changes"(watched regclass, topic integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER note_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION vectors.note_change(%L)', watched, topic);
    EXECUTE format('CREATE TRIGGER note_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION vectors.note_change(%L)', watched, topic);
    EXECUTE format('CREATE TRIGGER note_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION vectors.note_change(%L)', watched, topic);
END
$$;

SELECT "vectors"."count_changes"('"similar_rule"', -1);
SELECT "vectors"."count_changes"('"product"', 0);
-- Model versions that are there already; later ones when their tables are made (src/vectors/partitions.ts).
SELECT "vectors"."count_changes"(i.inhrelid::regclass, substring(c.relname FROM '\d+$')::int)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'vectors.product_vector'::regclass;
