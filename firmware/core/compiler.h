/* What C99 has no words for. */
#ifndef COMPILER_H
#define COMPILER_H

/* Keep a seldom used part out of a function that runs often: it would make its frame larger. */
#ifdef __GNUC__
#define APART __attribute__((noinline))
#else
#define APART
#endif

#endif
