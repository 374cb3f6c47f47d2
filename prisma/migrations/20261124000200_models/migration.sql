-- A deleted version stays as a row, because runs and later models point to it; its vectors and weights are gone.
ALTER TABLE "model_version" ADD COLUMN "deleted_at" TIMESTAMPTZ(3);

-- The model versions whose vectors are kept true with every change of the catalog: the active one, candidates, the one
-- to roll back to (the last that was retired), and the newest encoder as it came, which training starts from and is
-- compared with. In the schema that Prisma does not look at.
CREATE VIEW "vectors"."live_model" AS
SELECT m.* FROM "public"."model_version" m
WHERE m."deleted_at" IS NULL
  AND (m."state" IN ('ACTIVE', 'CANDIDATE')
    OR m."state" = 'RETIRED' AND m."id" IN (
      (SELECT r."id" FROM "public"."model_version" r
       WHERE r."state" = 'RETIRED' AND r."deleted_at" IS NULL
       ORDER BY r."retired_at" DESC NULLS LAST, r."id" DESC LIMIT 1),
      (SELECT max(b."id") FROM "public"."model_version" b
       WHERE b."weights_key" IS NULL AND b."state" IN ('ACTIVE', 'CANDIDATE', 'RETIRED') AND b."deleted_at" IS NULL)));
