import { Presets, SingleBar } from 'cli-progress';
import type { CallbackContext, TrainerCallback } from './callbacks.js';
import type { LogEntry } from './state.js';

/** A bar on standard error with loss, rate and time left; without a terminal a line at each log instead. */
export class ProgressCallback implements TrainerCallback {
  #bar: SingleBar | undefined;
  #started = 0;
  #firstStep = 0;
  #loss = '';

  onTrainBegin({ state, args }: CallbackContext): void {
    this.#started = performance.now();
    this.#firstStep = state.globalStep;
    if (args.disableProgress || !process.stderr.isTTY) return;
    this.#bar = new SingleBar(
      {
        format: (_options, { value, total, progress }, { rate, left, loss }: Shown) =>
          barLine(`${value}/${total} · ${rate} steps/s · ${left} left${loss}`, progress),
        stream: process.stderr,
        hideCursor: true,
        clearOnComplete: false,
        fps: 8,
      },
      Presets.shades_classic,
    );
    this.#bar.start(state.maxSteps, state.globalStep, { rate: '-', left: '-', loss: '' });
  }

  onStepEnd({ state }: CallbackContext): void {
    this.#bar?.update(state.globalStep, { ...this.#pace(state), loss: this.#loss });
  }

  onLog({ state, args }: CallbackContext, entry: LogEntry): void {
    const value = entry.loss ?? entry.eval_loss;
    if (value !== undefined) this.#loss = ` · loss ${value.toFixed(4)}`;
    if (this.#bar || args.disableProgress) return;
    const { rate, left } = this.#pace(state);
    const values = Object.entries(entry)
      .filter(([name]) => !/^(epoch|step)$|_(runtime|per_second)$/.test(name))
      .map(([name, number]) => `${name} ${Number(number.toPrecision(5))}`);
    process.stderr.write(
      `step ${state.globalStep}/${state.maxSteps} · ${values.join(' · ')} · ${rate} steps/s · ${left} left\n`,
    );
  }

  onTrainEnd(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #pace(state: CallbackContext['state']): { rate: string; left: string } {
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = (state.globalStep - this.#firstStep) / seconds;
    if (!(rate > 0)) return { rate: '-', left: '-' };
    return {
      rate: rate < 10 ? rate.toFixed(2) : rate.toFixed(0),
      left: duration((state.maxSteps - state.globalStep) / rate),
    };
  }
}

interface Shown {
  rate: string;
  left: string;
  loss: string;
}

/** The bar takes what the numbers leave of the terminal's width. */
function barLine(numbers: string, share: number): string {
  const room = (process.stderr.columns || 80) - 'training  '.length - numbers.length - 1;
  const width = Math.max(0, Math.min(40, room));
  const full = Math.round(share * width);
  return `training ${'█'.repeat(full)}${'░'.repeat(width - full)} ${numbers}`;
}

/** 3725 seconds -> '1 h 02 min'. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
