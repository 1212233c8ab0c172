# Texts of scripts/demo in English or Chinese. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2154 # language comes from scripts/demo

# tell ENGLISH CHINESE
tell() { if [[ $language == zh ]]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }

step_number=0
# step ENGLISH CHINESE: a numbered heading.
step() {
    step_number=$((step_number + 1))
    printf '\n== %s. ' "$step_number"
    tell "$1" "$2"
}

# fail ENGLISH CHINESE: marks a result that is not as it should be. The show goes on; the exit code will be 1.
fail() {
    failures=$((failures + 1))
    printf '!! '
    tell "$1" "$2"
}
