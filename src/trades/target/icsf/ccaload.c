/* ccaload: DES keys in external CCA tokens into the DES key storage of this
 * system, each compared with its check value before its record is made.
 *
 * Made from IBM's documentation of the CCA verbs; not tried on a coprocessor.
 * Needs the header and library of the installed CCA product:
 *
 *   Linux    cc -o ccaload ccaload.c -lcsulcca
 *   AIX      cc -o ccaload ccaload.c -lcsufcca
 *   Windows  cl ccaload.c csuncca.lib
 *   IBM i    CRTCMOD, then CRTPGM with BNDSRVPGM of the CCA service programs
 *
 * ccaload keys.txt
 *
 * The first line of the file names the importer key in key storage, every
 * other line is: label, key type, check value, token in 128 hex digits.
 * Ends with 0 where all keys were loaded, else with 8.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(CCALOAD_HEADER)
#include CCALOAD_HEADER
#elif defined(__OS400__)
#include <csucincl.h>
#elif defined(_AIX)
#include <csufincl.h>
#elif defined(_WIN32)
#include <csunincl.h>
#else
#include <csulincl.h>
#endif

#define TOKEN 64
#define LABEL 64

static long rc, rs, exl;
static unsigned char exd[4];

static int failed(const char *verb, const char *label)
{
    printf("%s return %ld reason %ld %s\n", verb, rc, rs, label);
    return rc > 4;
}

static void padded(unsigned char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    memset(to, ' ', size);
    memcpy(to, from, length < size ? length : size);
}

static int digit(int c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static int unhex(unsigned char *to, const char *from)
{
    int at;
    if (strlen(from) != 2 * TOKEN) return 0;
    for (at = 0; at < TOKEN; at++) {
        int high = digit(from[2 * at]), low = digit(from[2 * at + 1]);
        if (high < 0 || low < 0) return 0;
        to[at] = (unsigned char)(high << 4 | low);
    }
    return 1;
}

static int load(const char *importer, const char *label, const char *kcv, const char *text)
{
    unsigned char token[TOKEN], target[TOKEN], kek[LABEL], name[LABEL], type[8];
    unsigned char rule[24], random[8], pattern[8];
    char shown[7];
    long count = 3;

    if (!unhex(token, text)) {
        printf("*** %s: no token of 128 hex digits\n", label);
        return 0;
    }
    padded(kek, importer, LABEL);
    padded(name, label, LABEL);
    padded(type, "TOKEN", 8);
    memset(target, 0, TOKEN);
    exl = 0;
    CSNBKIM(&rc, &rs, &exl, exd, type, token, kek, target);
    if (failed("CSNBKIM", label)) return 0;

    padded(rule, "KEY-ENCDGENERATEENC-ZERO", 24);
    memset(random, 0, 8);
    memset(pattern, 0, 8);
    exl = 0;
    CSNBKYT(&rc, &rs, &exl, exd, &count, rule, target, random, pattern);
    if (failed("CSNBKYT", label)) return 0;
    snprintf(shown, sizeof shown, "%02X%02X%02X", pattern[0], pattern[1], pattern[2]);
    if (strncmp(shown, kcv, 6) != 0) {
        printf("*** %s: check value %s, expected %s; nothing was written\n", label, shown, kcv);
        return 0;
    }

    exl = 0;
    CSNBKRC(&rc, &rs, &exl, exd, name);
    if (failed("CSNBKRC", label)) return 0;
    exl = 0;
    CSNBKRW(&rc, &rs, &exl, exd, target, name);
    if (failed("CSNBKRW", label)) return 0;
    printf("loaded %s, check value %s\n", label, shown);
    return 1;
}

int main(int count, char **words)
{
    char line[512], importer[65], label[65], type[9], kcv[17], token[129];
    int good = 1, loaded = 0;
    FILE *file;

    if (count != 2 || (file = fopen(words[1], "r")) == NULL) {
        fprintf(stderr, "ccaload FILE\n");
        return 8;
    }
    if (fgets(line, sizeof line, file) == NULL || sscanf(line, "IMPORTER %64s", importer) != 1) {
        fprintf(stderr, "the first line names no importer key\n");
        return 8;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%64s %8s %16s %128s", label, type, kcv, token) != 4) {
            printf("*** a line that is none: %.40s\n", line);
            good = 0;
        } else if (load(importer, label, kcv, token)) {
            loaded++;
        } else {
            good = 0;
        }
    }
    fclose(file);
    printf("%d loaded\n", loaded);
    return good && loaded > 0 ? 0 : 8;
}
