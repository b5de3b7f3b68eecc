import { TrainingError } from '@weft/errors';

/** A loss or a gradient that is not finite after so many good steps. */
export function notFinite(what: string, value: number, goodSteps: number): TrainingError {
  const step = goodSteps + 1;
  return new TrainingError({
    operation: 'train',
    expected: `a finite ${what}`,
    received: `${value} at step ${step}; the parameters are still those of step ${goodSteps}`,
    remedy:
      'lower the learning rate, warm up longer or look at the data of this step; the last checkpoint is good',
    step,
  });
}

export function interrupted(step: number, folder: string, cause: unknown): TrainingError {
  return new TrainingError({
    operation: 'train',
    expected: 'to reach the last step',
    received: `an interrupt after step ${step}; all is saved in ${folder}`,
    remedy: 'call train with resumeFromCheckpoint: true to go on from there',
    step,
    cause,
  });
}
