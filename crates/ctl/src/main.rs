use std::process::ExitCode;

fn main() -> ExitCode {
    xiebao_ctl::main()
}
