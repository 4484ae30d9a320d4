//! The score as a picture, for a README.

/// Width of a letter, about, in tenths of a pixel.
const LETTER_TENTHS: usize = 65;
/// Room on both sides of a text, in pixels.
const MARGIN: usize = 12;

/// `conformance | 34/34`, green when every rule that was judged is kept.
pub fn svg(kept: usize, judged: usize) -> String {
    let (label, score) = ("liaison conformance", format!("{kept}/{judged}"));
    let colour = if judged > 0 && kept == judged { "#2e7d32" } else { "#b3261e" };
    let width = |text: &str| text.len() * LETTER_TENTHS / 10 + MARGIN;
    let (left, right) = (width(label), width(&score));
    let whole = left + right;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" \
         aria-label=\"{label}: {score}\">\n\
         <rect width=\"{whole}\" height=\"20\" rx=\"3\" fill=\"#444\"/>\n\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" rx=\"3\" fill=\"{colour}\"/>\n\
         <g fill=\"#fff\" font-family=\"Verdana,sans-serif\" font-size=\"11\" text-anchor=\"middle\">\n\
         <text x=\"{}\" y=\"14\">{label}</text>\n\
         <text x=\"{}\" y=\"14\">{score}</text>\n</g>\n</svg>\n",
        left / 2,
        left + right / 2,
    )
}

#[cfg(test)]
mod tests {
    use super::svg;

    #[test]
    fn only_a_whole_score_is_green() {
        assert!(svg(34, 34).contains("34/34") && svg(34, 34).contains("#2e7d32"));
        for (kept, judged) in [(33, 34), (0, 0)] {
            assert!(!svg(kept, judged).contains("#2e7d32"), "{kept}/{judged}");
        }
    }
}
