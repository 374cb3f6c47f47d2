-- What shoppers did with the answers they were shown. One row a product of an event; pruned by age.
CREATE TYPE "interaction_kind" AS ENUM ('IMPRESSION', 'CLICK', 'CART', 'PURCHASE');

CREATE TABLE "interaction" (
    "id" BIGSERIAL NOT NULL,
    "kind" "interaction_kind" NOT NULL,
    "product_id" BIGINT NOT NULL,
    -- What the attribution token says of the answer: its model, the product asked for, the experiment and its variant.
    "model_id" INTEGER NOT NULL,
    "seed_product_id" BIGINT,
    "experiment_id" INTEGER,
    "variant" SMALLINT,
    -- Hash of the token: events of one answer.
    "answer" BYTEA NOT NULL,
    -- Salted hash of the visitor's key.
    "visitor" BYTEA,
    -- Hash of the token and the sender's own id of the event, so that one that is sent again is not counted again.
    "event" BYTEA,
    "at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "interaction_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "interaction_event_product_id_kind_key" ON "interaction"("event", "product_id", "kind");
CREATE INDEX "interaction_model_id_at_idx" ON "interaction"("model_id", "at");
-- For pruning: rows are written about in the order of their time.
CREATE INDEX "interaction_at_idx" ON "interaction" USING BRIN ("at");
CREATE INDEX "interaction_experiment_idx" ON "interaction"("experiment_id") WHERE "experiment_id" IS NOT NULL;
-- For popularity, which impressions, by far the most, have no part in.
CREATE INDEX "interaction_wanted_idx" ON "interaction"("at", "product_id", "kind") WHERE "kind" <> 'IMPRESSION';

-- Keys that every process must agree on: each is drawn by the first process that needs it.
CREATE TABLE "server_secret" (
    "name" TEXT NOT NULL,
    "secret" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "server_secret_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "experiment" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL,
    -- Of the visitors: those outside are answered by the active model.
    "share" DOUBLE PRECISION NOT NULL,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    -- It runs until this moment, which is no part of it.
    "ends_at" TIMESTAMPTZ(3) NOT NULL,
    "stopped_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "experiment_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "experiment_share" CHECK ("share" > 0 AND "share" <= 1),
    CONSTRAINT "experiment_dates" CHECK ("starts_at" <= "ends_at")
);
CREATE INDEX "experiment_ends_at_idx" ON "experiment"("ends_at");

CREATE TABLE "experiment_variant" (
    "experiment_id" INTEGER NOT NULL,
    -- From 0; the first is the control.
    "position" SMALLINT NOT NULL,
    "model_id" INTEGER NOT NULL,
    "weight" DOUBLE PRECISION NOT NULL,
    CONSTRAINT "experiment_variant_pkey" PRIMARY KEY ("experiment_id", "position"),
    CONSTRAINT "experiment_variant_experiment_id_fkey" FOREIGN KEY ("experiment_id") REFERENCES "experiment"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "experiment_variant_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "experiment_variant_weight" CHECK ("weight" > 0)
);
CREATE UNIQUE INDEX "experiment_variant_experiment_id_model_id_key" ON "experiment_variant"("experiment_id", "model_id");
CREATE INDEX "experiment_variant_model_id_idx" ON "experiment_variant"("model_id");

-- Processes remember the experiments and look here whether they still hold (topic −2; −1 are the rules).
SELECT "vectors"."count_changes"('"experiment"', -2);

-- Models of experiments that run or will run (one called off ends as it begins): their vectors are kept
-- true, and they are not deleted.
CREATE VIEW "vectors"."model_in_experiment" AS
SELECT v."model_id", e."id" AS "experiment_id", e."name", e."ends_at"
FROM "public"."experiment_variant" v JOIN "public"."experiment" e ON e."id" = v."experiment_id"
WHERE e."ends_at" > now() AND e."ends_at" > e."starts_at";

-- As before, and with those of experiments.
CREATE OR REPLACE VIEW "vectors"."live_model" AS
SELECT m.* FROM "public"."model_version" m
WHERE m."deleted_at" IS NULL
  AND (m."state" IN ('ACTIVE', 'CANDIDATE')
    OR m."state" = 'RETIRED' AND (
      m."id" IN (
        (SELECT r."id" FROM "public"."model_version" r
         WHERE r."state" = 'RETIRED' AND r."deleted_at" IS NULL
         ORDER BY r."retired_at" DESC NULLS LAST, r."id" DESC LIMIT 1),
        (SELECT max(b."id") FROM "public"."model_version" b
         WHERE b."weights_key" IS NULL AND b."state" IN ('ACTIVE', 'CANDIDATE', 'RETIRED') AND b."deleted_at" IS NULL))
      OR EXISTS (SELECT 1 FROM "vectors"."model_in_experiment" x WHERE x."model_id" = m."id")));
