-- Which machine and attempt a run is on, so that two workers of one host do not both train, and that a worker which
-- lost a run to another one cannot write to it any more. Hashes of what a run reads back.
ALTER TABLE "training_run" ADD COLUMN "host" TEXT;
ALTER TABLE "training_run" ADD COLUMN "snapshot_sha256" TEXT;
ALTER TABLE "training_run" ADD COLUMN "checkpoint_sha256" TEXT;
