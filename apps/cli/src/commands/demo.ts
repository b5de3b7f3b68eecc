import type { Command } from 'commander';
import { withInterrupt } from '../interrupt.js';
import { integerOption } from '../options.js';

interface DemoFlags {
  seconds: number;
  outputDir?: string;
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description("weft's own small models write, translate, answer, judge and learn; offline, in a minute")
    .addOption(
      integerOption('--seconds <n>', 'how long the pre-training at the end lasts, about').default(12),
    )
    .option('--output-dir <folder>', 'where trained models go; default: a new temporary folder')
    .action((flags: DemoFlags) =>
      withInterrupt(async (signal) => {
        const { demo } = await import('../demo/demo.js');
        await demo(flags, signal);
      }),
    );
}
