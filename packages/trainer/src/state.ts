/** One entry of the log: numbers by name, with the step and the epoch. */
export type LogEntry = Record<string, number>;

/** Where training stands; written as trainer_state.json, in Hugging Face's spelling. */
export interface TrainerState {
  epoch: number;
  globalStep: number;
  maxSteps: number;
  numTrainEpochs: number;
  trainBatchSize: number;
  loggingSteps: number;
  evalSteps: number;
  saveSteps: number;
  logHistory: LogEntry[];
  bestMetric: number | null;
  bestGlobalStep: number | null;
  bestModelCheckpoint: string | null;
  /** What callbacks keep from one run to the next, by their name. */
  statefulCallbacks: Record<string, CallbackState>;
}

/** In the shape that Python's callbacks export. */
export interface CallbackState {
  args: Record<string, unknown>;
  attributes: Record<string, unknown>;
}

const spellings = {
  best_global_step: 'bestGlobalStep',
  best_metric: 'bestMetric',
  best_model_checkpoint: 'bestModelCheckpoint',
  epoch: 'epoch',
  eval_steps: 'evalSteps',
  global_step: 'globalStep',
  log_history: 'logHistory',
  logging_steps: 'loggingSteps',
  max_steps: 'maxSteps',
  num_train_epochs: 'numTrainEpochs',
  save_steps: 'saveSteps',
  stateful_callbacks: 'statefulCallbacks',
  train_batch_size: 'trainBatchSize',
} as const satisfies Record<string, keyof TrainerState>;

/** Fields that Python writes and that say nothing for one process on one machine. */
const constants = {
  is_hyper_param_search: false,
  is_local_process_zero: true,
  is_world_process_zero: true,
  num_input_tokens_seen: 0,
  total_flos: 0,
  trial_name: null,
  trial_params: null,
};

/** The content of trainer_state.json. */
export function stateToJson(state: TrainerState): Record<string, unknown> {
  const own = Object.entries(spellings).map(([stored, name]) => [stored, state[name]]);
  return Object.fromEntries(
    [...own, ...Object.entries(constants)].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}

/** The state that a trainer_state.json tells. */
export function stateFromJson(json: Record<string, unknown>): TrainerState {
  return Object.fromEntries(
    Object.entries(spellings).map(([stored, name]) => [name, json[stored] ?? null]),
  ) as unknown as TrainerState;
}
