/* Looks for literals with Vectorscan: `vectorscan LITERALS TEXT`, a literal a line. Prints what `xtask scan` prints. */

#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *whole(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*length + 1);
    if (!text || fread(text, 1, *length, file) != *length) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    text[*length] = 0;
    fclose(file);
    return text;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int count(unsigned int id, unsigned long long from, unsigned long long to, unsigned int flags, void *found) {
    (void)id, (void)from, (void)to, (void)flags;
    ++*(unsigned long long *)found;
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    size_t list_length, length;
    char *list = whole(argv[1], &list_length), *text = whole(argv[2], &length);
    unsigned int lines = 1, literals = 0;
    for (size_t at = 0; at < list_length; at++) lines += list[at] == '\n';
    const char **texts = calloc(lines, sizeof *texts);
    size_t *lengths = calloc(lines, sizeof *lengths);
    unsigned int *flags = calloc(lines, sizeof *flags), *ids = calloc(lines, sizeof *ids);
    for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n"), literals++) {
        texts[literals] = line;
        lengths[literals] = strlen(line);
        flags[literals] = HS_FLAG_CASELESS;
        ids[literals] = literals;
    }
    double started = now();
    hs_database_t *database;
    hs_compile_error_t *error;
    if (hs_compile_lit_multi(texts, flags, ids, lengths, literals, HS_MODE_BLOCK, NULL, &database, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    hs_scratch_t *scratch = NULL;
    if (hs_alloc_scratch(database, &scratch)) return 1;
    double built = now();
    unsigned long long found = 0;
    if (hs_scan(database, text, (unsigned int)length, 0, scratch, count, &found)) return 1;
    double done = now();
    size_t size, working;
    hs_database_size(database, &size);
    hs_scratch_size(scratch, &working);
    printf("{\"build_seconds\":%f,\"scan_seconds\":%f,\"text\":%zu,\"heap\":%zu,\"found\":%llu}\n", built - started,
           done - built, length, size + working, found);
    return 0;
}
