import type { Command } from 'commander';
import { colors } from '../colors.js';
import { jsonOption } from '../options.js';
import { bytes, heading, printJson, printLine, printTable } from '../terminal.js';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('which backend runs here, why not another, threads and memory')
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  weft doctor\n  WEFT_BACKEND=wasm weft doctor --json')
    .action(async ({ json }: { json?: boolean }) => {
      const { backendReport, setBackend } = await import('@weft/backend');
      await setBackend();
      const report = await backendReport();
      if (json) {
        printJson({ node: process.version, platform: process.platform, arch: process.arch, ...report });
        return;
      }
      heading(`weft on Node ${process.version}, ${process.platform} ${process.arch}`);
      printTable(
        ['backend', 'state', 'reason'],
        report.backends.map(({ name, active, available, reason }) => [
          name,
          active ? 'active' : available ? 'available' : 'missing',
          reason,
        ]),
      );
      const { native } = report;
      if (native) {
        printLine();
        printLine(`threads          ${native.threads}`);
        printLine(`instruction set  ${native.instructionSet} (of ${native.instructionSets.join(', ')})`);
      }
      const { rss, heapUsed } = process.memoryUsage();
      printLine(`memory           ${bytes(rss)} resident, ${bytes(heapUsed)} of it JavaScript's heap`);
      printLine(colors.dim('WEFT_BACKEND, WEFT_NUM_THREADS and WEFT_CPU overrule what is chosen'));
    });
}
