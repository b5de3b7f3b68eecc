import picocolors from 'picocolors';

/**
 * Colour on a terminal and nowhere else, so that pipes, files and build logs stay plain text; picocolors
 * by itself also colours wherever `CI` is set. NO_COLOR and FORCE_COLOR are the user's own word.
 */
function wantsColor(stream: NodeJS.WriteStream): boolean {
  if (process.env.NO_COLOR) return false;
  if (process.env.FORCE_COLOR) return process.env.FORCE_COLOR !== '0';
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}

/** For the result, on standard output. */
export const colors = picocolors.createColors(wantsColor(process.stdout));

/** For what is told beside it, on standard error. */
export const noteColors = picocolors.createColors(wantsColor(process.stderr));
