//! For fuzzing: what reads a stranger's bytes, without a network.

/// Reads bytes as a server's answer and looks for builds in it, as a check would.
pub fn answer(bytes: &[u8]) {
    let _ = crate::answer::export_tool_build(bytes);
    let _ = crate::answer::page_build(bytes);
    let mut stream = bytes;
    if let Ok(response) = crate::http::read_response(&mut stream) {
        assert!(response.body.len() <= bytes.len(), "a body larger than what came");
        let _ = crate::answer::export_tool_build(&response.body);
        let _ = crate::answer::page_build(&response.body);
        let _ = response
            .head
            .header("x-owa-version")
            .and_then(crate::answer::header_build);
    }
}

/// Reads bytes as a certificate.
pub fn certificate(bytes: &[u8]) {
    let _ = crate::certificate::Certificate::read(bytes);
}

/// Reads bytes as a scope file.
pub fn scope(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = crate::Scope::read("scope.yaml", text, 1_614_938_400_000_000);
    }
}
