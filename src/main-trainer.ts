import { learn } from "./learning/learn.js";
import { runTrainer } from "./learning/runs/run-trainer.js";

// A trainer process: started by a worker for one attempt at one run, and gone with it.
await runTrainer(learn);
