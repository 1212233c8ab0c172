#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    xiebao_wire::fuzzing::read_frames(input);
});
