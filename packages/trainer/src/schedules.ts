/** The rate at a step as a share of the peak rate. */
export type Schedule = (step: number) => number;

export interface ScheduleOptions {
  warmupSteps: number;
  totalSteps: number;
  /** The peak rate, which the end of a polynomial is told against. */
  learningRate: number;
  kwargs: Record<string, number>;
}

const warmUp = (step: number, warmupSteps: number): number => step / Math.max(1, warmupSteps);

const progress = (step: number, { warmupSteps, totalSteps }: ScheduleOptions): number =>
  (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);

const builders = {
  constant: () => () => 1,
  constant_with_warmup:
    ({ warmupSteps }) =>
    (step) =>
      step < warmupSteps ? warmUp(step, warmupSteps) : 1,
  linear: (options) => (step) =>
    step < options.warmupSteps ? warmUp(step, options.warmupSteps) : Math.max(0, 1 - progress(step, options)),
  cosine: (options) => (step) => {
    if (step < options.warmupSteps) return warmUp(step, options.warmupSteps);
    const cycles = options.kwargs.numCycles ?? 0.5;
    return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress(step, options))));
  },
  cosine_with_restarts: (options) => (step) => {
    if (step < options.warmupSteps) return warmUp(step, options.warmupSteps);
    const done = progress(step, options);
    if (done >= 1) return 0;
    return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (((options.kwargs.numCycles ?? 1) * done) % 1))));
  },
  polynomial: (options) => (step) => {
    const { warmupSteps, totalSteps, learningRate, kwargs } = options;
    const { lrEnd = 1e-7, power = 1 } = kwargs;
    if (step < warmupSteps) return warmUp(step, warmupSteps);
    if (step > totalSteps) return lrEnd / learningRate;
    const left = 1 - (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
    return ((learningRate - lrEnd) * left ** power + lrEnd) / learningRate;
  },
  inverse_sqrt: ({ warmupSteps, kwargs }) => {
    const timescale = kwargs.timescale ?? (warmupSteps || 10_000);
    const shift = timescale - warmupSteps;
    return (step) =>
      step < warmupSteps ? warmUp(step, warmupSteps) : 1 / Math.sqrt((step + shift) / timescale);
  },
} satisfies Record<string, (options: ScheduleOptions) => Schedule>;

export type SchedulerType = keyof typeof builders;

export const schedulerTypes = Object.keys(builders) as SchedulerType[];

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

/** A schedule's name as Python spells it, or in camelCase. */
export type SchedulerName = SchedulerType | Camel<SchedulerType>;

/** The schedule of this name; undefined when there is none. */
export function schedulerType(name: string): SchedulerType | undefined {
  return schedulerTypes.find((type) => type === name || type.replaceAll('_', '') === name.toLowerCase());
}

/**
 * A learning-rate schedule of transformers, as a function of the step alone: with warm-up the first update
 * runs at rate 0.
 *
 * @example
 * ```ts
 * import { learningRateSchedule } from '@weft/trainer';
 *
 * const share = learningRateSchedule('linear', { warmupSteps: 2, totalSteps: 6, learningRate: 1, kwargs: {} });
 * console.assert([0, 1, 2, 4, 6].map(share).join() === '0,0.5,1,0.5,0');
 * ```
 */
export function learningRateSchedule(type: SchedulerType, options: ScheduleOptions): Schedule {
  return builders[type](options);
}
