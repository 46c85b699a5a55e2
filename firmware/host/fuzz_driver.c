/*
 * Runs a fuzz target where there is no libFuzzer, with the same command line as far as it goes:
 *
 *   fuzz_frames [-runs=N] [-seed=N] [FILE OR FOLDER]...
 *
 * It runs every file as it is, and then N inputs made of them by a seeded generator: bytes flipped, cut,
 * repeated, put together. It does not look at what code an input reaches, as libFuzzer does.
 */
#define _XOPEN_SOURCE 700

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FILES 4096
#define MOST_BYTES 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sample {
    uint8_t *bytes;
    size_t size;
};

static struct sample samples[MOST_FILES];
static size_t n_samples;
static uint64_t word = 1;

static uint32_t below(uint32_t end)
{
    word ^= word << 13;
    word ^= word >> 7;
    word ^= word << 17;
    return end ? (uint32_t)(word >> 16) % end : 0;
}

static void add_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(MOST_BYTES);

    if (file && bytes && n_samples < MOST_FILES) {
        samples[n_samples].size = fread(bytes, 1, MOST_BYTES, file);
        samples[n_samples++].bytes = bytes;
    } else {
        free(bytes);
    }
    if (file)
        fclose(file);
}

static void add(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    char inner[4096];

    if (!folder) {
        add_file(path);
        return;
    }
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.'
            && snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name) < (int)sizeof inner)
            add_file(inner);
    closedir(folder);
}

/* Put a new input together. */
static size_t make(uint8_t *bytes)
{
    size_t size = 0;
    uint32_t pieces = 1 + below(3), changes, place;

    while (pieces--) {
        struct sample sample = {NULL, 0};
        uint32_t from = 0, count = below(64);
        if (n_samples && below(8)) {
            sample = samples[below((uint32_t)n_samples)];
            from = below(4) ? 0 : below((uint32_t)sample.size);
            count = (uint32_t)sample.size - from;
            if (!below(4))
                count = below(count + 1);
        }
        for (; count && size < MOST_BYTES; count--)
            bytes[size++] = sample.bytes ? sample.bytes[from++] : (uint8_t)below(256);
    }
    for (changes = below(4); size && changes; changes--) {
        place = below((uint32_t)size);
        bytes[place] = below(2) ? (uint8_t)below(256) : (uint8_t)(bytes[place] ^ 1 << below(8));
    }
    return size;
}

int main(int argc, char **argv)
{
    static uint8_t bytes[MOST_BYTES];
    unsigned long runs = 1000, run;
    int i;

    for (i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "-runs=", 6))
            runs = strtoul(argv[i] + 6, NULL, 10);
        else if (!strncmp(argv[i], "-seed=", 6))
            word = strtoul(argv[i] + 6, NULL, 10) * 2 + 1;
        else if (argv[i][0] != '-')
            add(argv[i]);
    }
    for (run = 0; run < n_samples; run++)
        LLVMFuzzerTestOneInput(samples[run].bytes, samples[run].size);
    for (run = 0; run < runs; run++)
        LLVMFuzzerTestOneInput(bytes, make(bytes));
    fprintf(stderr, "Done %lu runs\n", runs + n_samples);
    while (n_samples)
        free(samples[--n_samples].bytes);
    return 0;
}
