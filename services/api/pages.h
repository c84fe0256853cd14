/* pages.h: files of this folder as text in the binary, written by cmake/EmbedText.cmake. */
#ifndef RL_API_PAGES_H
#define RL_API_PAGES_H

extern const char rl_page_openapi[]; /* openapi.json */
extern const char rl_page_docs[];    /* docs.html */

#endif
