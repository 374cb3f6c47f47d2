-- What the learning loop keeps: runs, their epochs and triplets, suspected labels, distributions of distances; and what
-- a trained model version has besides a base one.

CREATE TYPE "training_state" AS ENUM ('QUEUED', 'RUNNING', 'REFRESHING', 'SUCCEEDED', 'CANCELLED', 'FAILED');
CREATE TYPE "promote_policy" AS ENUM ('IF_BETTER', 'NEVER');

CREATE TABLE "training_run" (
    "id" UUID NOT NULL,
    "state" "training_state" NOT NULL DEFAULT 'QUEUED',
    -- plan, caching, head, trunk, full, validation, export; then refresh, index, gate
    "stage" TEXT,
    "done" INTEGER NOT NULL DEFAULT 0,
    "total" INTEGER NOT NULL DEFAULT 0,
    "seconds_left" INTEGER,
    -- recipe, positives, budgetMinutes, seed, label selection
    "request" JSONB NOT NULL,
    "promote" "promote_policy" NOT NULL DEFAULT 'IF_BETTER',
    "encoder" TEXT NOT NULL,
    "parent_id" INTEGER NOT NULL,
    "model_id" INTEGER,
    "plan" JSONB,
    "device" TEXT,
    "snapshot_key" TEXT,
    "checkpoint_key" TEXT,
    "checkpoint_step" INTEGER,
    "guards" JSONB NOT NULL DEFAULT '[]',
    -- validation of this model and of the base encoder, seconds by stage
    "result" JSONB,
    -- what the gate compared and decided
    "gate" JSONB,
    "failure_code" TEXT,
    "failure" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "seen_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    CONSTRAINT "training_run_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "training_run_created_at_idx" ON "training_run"("created_at");

CREATE TABLE "training_epoch" (
    "run_id" UUID NOT NULL,
    "epoch" INTEGER NOT NULL,
    "stage" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "loss" DOUBLE PRECISION NOT NULL,
    "active" DOUBLE PRECISION NOT NULL,
    "gradient_norm" DOUBLE PRECISION NOT NULL,
    "learning_rate" DOUBLE PRECISION NOT NULL,
    "validation" JSONB,
    "mean_positive_distance" DOUBLE PRECISION,
    "mean_negative_distance" DOUBLE PRECISION,
    "seconds" DOUBLE PRECISION NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "training_epoch_pkey" PRIMARY KEY ("run_id", "epoch"),
    CONSTRAINT "training_epoch_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "training_run"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- Photos by id without a reference: a photo may leave the catalog, what was mined stays to be looked at.
CREATE TABLE "mined_triplet" (
    "run_id" UUID NOT NULL,
    "epoch" INTEGER NOT NULL,
    "rank" INTEGER NOT NULL,
    "anchor_image_id" BIGINT NOT NULL,
    "positive_image_id" BIGINT NOT NULL,
    "negative_image_id" BIGINT NOT NULL,
    "positive_distance" DOUBLE PRECISION NOT NULL,
    "negative_distance" DOUBLE PRECISION NOT NULL,
    CONSTRAINT "mined_triplet_pkey" PRIMARY KEY ("run_id", "epoch", "rank"),
    CONSTRAINT "mined_triplet_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "training_run"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "suspect_label" (
    "run_id" UUID NOT NULL,
    "image_id" BIGINT NOT NULL,
    "product_id" BIGINT NOT NULL,
    "label" TEXT NOT NULL,
    "suggested" TEXT NOT NULL,
    "agreement" DOUBLE PRECISION NOT NULL,
    CONSTRAINT "suspect_label_pkey" PRIMARY KEY ("run_id", "image_id"),
    CONSTRAINT "suspect_label_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "training_run"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

ALTER TABLE "model_version" ADD COLUMN "weights_sha256" TEXT;
-- How photos become the trained model's input, and which output is the vector; as in an encoder's manifest.
ALTER TABLE "model_version" ADD COLUMN "manifest" JSONB;
ALTER TABLE "model_version" ADD COLUMN "run_id" UUID;
ALTER TABLE "model_version" ADD COLUMN "refresh_paused" BOOLEAN NOT NULL DEFAULT false;
-- When every photo had its vector for the first time.
ALTER TABLE "model_version" ADD COLUMN "refreshed_at" TIMESTAMPTZ(3);
ALTER TABLE "model_version" ADD COLUMN "retired_at" TIMESTAMPTZ(3);
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "training_run"("id") ON DELETE SET NULL ON UPDATE CASCADE;

ALTER TABLE "training_run" ADD CONSTRAINT "training_run_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "model_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "training_run" ADD CONSTRAINT "training_run_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "model_version"("id") ON DELETE SET NULL ON UPDATE CASCADE;

CREATE TABLE "distance_distribution" (
    "model_id" INTEGER NOT NULL,
    -- category, group, product, attribute:NAME
    "labels" TEXT NOT NULL,
    "report" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "distance_distribution_pkey" PRIMARY KEY ("model_id", "labels"),
    CONSTRAINT "distance_distribution_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "model_version"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
