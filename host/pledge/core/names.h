/* X-macro helpers of the state machines: lists of states, events, guards and effects become enums, names and
 * tables of functions that cannot disagree. */
#ifndef TALLY_PLEDGE_NAMES_H
#define TALLY_PLEDGE_NAMES_H

#define PLEDGE_X_ID(id, text)            PLEDGE_##id,
#define PLEDGE_X_NAME(id, text)          text,
#define PLEDGE_X_ENUM(id, text)          id,
#define PLEDGE_X_ENUM2(id, text)         id,
#define PLEDGE_X_ENUM3(id, text, fn)     id,
#define PLEDGE_X_NAME3(id, text, fn)     text,
#define PLEDGE_X_FUNCTION3(id, text, fn) fn,
#define PLEDGE_COUNT(array)              (sizeof(array) / sizeof(array)[0])

#endif
