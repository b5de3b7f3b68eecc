import { Presets, SingleBar } from 'cli-progress';
import { noteColors } from './colors.js';
import { bytes, duration, note } from './terminal.js';

export interface ByteProgress {
  label: string;
  loaded: number;
  total: number;
  /** Bytes that the rate counts, where some of the loaded were here before. */
  moved?: number;
}

/**
 * A bar on standard error that is drawn in place, with rate and time left, as wide as the terminal lets it;
 * without a terminal one line a label instead, when it is whole.
 */
export class ByteBar {
  readonly #started = performance.now();
  #bar: SingleBar | undefined;
  #last: ByteProgress | undefined;

  update(progress: ByteProgress): void {
    const { loaded, total } = progress;
    if (!process.stderr.isTTY) {
      if (this.#last && this.#last.label !== progress.label) this.#tell(this.#last);
    } else if (!this.#bar) {
      const draw = (): string => this.#draw();
      this.#last = progress;
      this.#bar = new SingleBar(
        { format: draw, stream: process.stderr, hideCursor: true, fps: 8 },
        Presets.shades_classic,
      );
      this.#bar.start(total, loaded);
    }
    this.#last = progress;
    this.#bar?.update(loaded);
  }

  stop(): void {
    if (this.#bar) this.#bar.stop();
    else if (this.#last) this.#tell(this.#last);
    this.#bar = undefined;
    this.#last = undefined;
  }

  #tell({ label, loaded, total }: ByteProgress): void {
    note(`${label}: ${bytes(loaded)} of ${bytes(total)}`);
  }

  #draw(): string {
    return barLine(this.#last!, (performance.now() - this.#started) / 1000, process.stderr.columns || 80);
  }
}

interface FileProgress {
  file: string;
  loaded: number;
  total: number;
  held: number;
}

/** A bar for each file of a model as it is fetched. */
export function fileBars(): { update: (progress: FileProgress) => void; stop: () => void } {
  let current: { file: string; bar: ByteBar } | undefined;
  const stop = (): void => {
    current?.bar.stop();
    current = undefined;
  };
  return {
    stop,
    update({ file, loaded, total, held }) {
      if (current?.file !== file) {
        stop();
        current = { file, bar: new ByteBar() };
      }
      current.bar.update({ label: file, loaded, total, moved: loaded - held });
    },
  };
}

/** One line of no more than `columns` characters: label, bar, amount, rate, time left. */
export function barLine(
  { label, loaded, total, moved = loaded }: ByteProgress,
  seconds: number,
  columns: number,
): string {
  const rate = seconds > 0 ? moved / seconds : 0;
  const share = total === 0 ? 1 : Math.min(1, loaded / total);
  const left = rate > 0 ? ` · ${duration((total - loaded) / rate)} left` : '';
  const numbers = ` ${String(Math.floor(share * 100)).padStart(3)} % of ${bytes(total)} · ${bytes(Math.round(rate))}/s${left}`;
  const room = columns - 1 - numbers.length;
  const name = fit(label, Math.max(8, Math.min(label.length, Math.floor(room / 2))));
  const width = Math.max(0, Math.min(40, room - name.length - 1));
  const full = Math.round(share * width);
  const bar = `${noteColors.cyan('█'.repeat(full))}${noteColors.dim('░'.repeat(width - full))}`;
  return `${name} ${bar}${numbers}`;
}

/** The end of a name matters more than its beginning. */
function fit(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}
