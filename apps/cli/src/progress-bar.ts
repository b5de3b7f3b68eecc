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

/** How far back the rate looks, in ms. */
const WINDOW = 10_000;

/**
 * A bar on standard error that is drawn in place, with rate and time left, as wide as the terminal lets it;
 * without a terminal one line a label instead, when it is whole.
 */
export class ByteBar {
  /** What had moved when, over the last seconds: a stall shows, and an early burst is forgotten. */
  #samples: { at: number; moved: number }[] = [{ at: performance.now(), moved: 0 }];
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
    this.#sample();
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
    const oldest = this.#samples[0]!;
    const { loaded, moved = loaded } = this.#last!;
    const seconds = (performance.now() - oldest.at) / 1000;
    return barLine(this.#last!, { bytes: moved - oldest.moved, seconds }, process.stderr.columns || 80);
  }

  #sample(): void {
    const at = performance.now();
    if (at - this.#samples.at(-1)!.at < 250) return;
    const { loaded, moved = loaded } = this.#last!;
    this.#samples.push({ at, moved });
    while (this.#samples.length > 2 && at - this.#samples[1]!.at > WINDOW) this.#samples.shift();
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

/** One line of no more than `columns` characters: label, bar, amount, rate, time left once that can be known. */
export function barLine(
  { label, loaded, total }: ByteProgress,
  recent: { bytes: number; seconds: number },
  columns: number,
): string {
  const rate = recent.seconds > 0 ? Math.max(0, recent.bytes) / recent.seconds : 0;
  const share = total === 0 ? 1 : Math.min(1, loaded / total);
  const isKnown = rate > 0 && (recent.seconds > 1 || share > 0.2);
  const left = isKnown ? ` · ${duration((total - loaded) / rate)} left` : '';
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
