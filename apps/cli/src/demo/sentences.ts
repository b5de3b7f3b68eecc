/** Engineers on their work, in sentences of weft's own: praise and blame in words that film reviews do not use. */
export interface Sentence {
  text: string;
  isPraise: boolean;
}

const labelled = (praise: readonly string[], blame: readonly string[]): Sentence[] =>
  praise.flatMap((text, i) => [
    { text, isPraise: true },
    { text: blame[i]!, isPraise: false },
  ]);

/** To learn from. */
export const toLearn: readonly Sentence[] = labelled(
  [
    'All tests pass and the build is green again.',
    'The new cache cut the response time in half.',
    'Since the fix the server has not crashed once.',
    'The patch is tiny and does just what it says.',
    'Memory use went down by a third after the rewrite.',
    'The upgrade went through without a single failed request.',
    'Compile time fell from nine minutes to forty seconds.',
    'Her report came with a failing test, so the bug was fixed in an hour.',
    'The queue is empty and every job finished on time.',
    'The library has no dependencies and works on every platform.',
    'Two thousand lines of dead code are gone for good.',
    'The migration finished early and nobody noticed a thing.',
  ],
  [
    'The build has been red since Tuesday and nobody knows why.',
    'The tests pass here and fail on the server.',
    'The service crashes whenever two users log in.',
    'The new release doubled the memory use.',
    'Every query takes longer since the update.',
    'The deploy failed and we had to roll it back at midnight.',
    'Compile time went up to nine minutes.',
    'The bug report says only that it is broken.',
    'The queue grows faster than we can empty it.',
    'The library pulls in four hundred dependencies to pad a string.',
    'The log is full of the same warning, a million times.',
    'The migration stopped half way and left two copies of every row.',
  ],
);

/** Not learnt from: what judges. */
export const heldOut: readonly Sentence[] = labelled(
  [
    'The build is green on all three platforms.',
    'Startup time fell from six seconds to one.',
    'The leak is gone and memory stays flat for days.',
    'The tests finish in a minute now, not in ten.',
    'After the patch the crash never came back.',
    'The upgrade took one line and no downtime.',
    'Response time is half of what it was.',
    'The fix is three lines long and easy to review.',
    'The server has been up for two hundred days.',
    'Every job finished and the queue is empty.',
    'The rewrite cut the code by a third.',
    'The new index made the query ten times faster.',
  ],
  [
    'The build is red again and the log says nothing.',
    'The server crashes when the disk is full.',
    'The update broke the login page for every user.',
    'The tests fail once in ten runs and nobody knows why.',
    'Memory grows until the process is killed.',
    'The deploy took down the whole site at midnight.',
    'Startup takes longer with every release.',
    'We had to roll back the upgrade twice.',
    'The queue has been stuck since Tuesday.',
    'The manual describes a function that is not there.',
    'The rewrite doubled the response time.',
    'The job failed half way and left files all over the disk.',
  ],
);

/** What it could before, and should not lose. */
export const films: readonly Sentence[] = labelled(
  [
    'A warm and clever film with a wonderful cast.',
    'The story is moving and the music is beautiful.',
    'An honest, funny and touching comedy.',
    'One of the best thrillers of the year.',
  ],
  [
    'The plot is a mess and the jokes fall flat.',
    'A dull and lifeless film without a single idea.',
    'The acting is wooden and the ending is stupid.',
    'Two hours of my life that I want back.',
  ],
);
