import Markdown from "react-markdown";

/**
 * A note in Markdown. It becomes elements, never HTML: markup in it is text. Pictures are left out, since they would be
 * fetched from wherever the note says; links lead out only to http and https, and tell nobody where from.
 */
export function Note({ text }: { text: string }) {
  return (
    <div className="note">
      <Markdown
        skipHtml={false}
        disallowedElements={["img"]}
        urlTransform={(url) => (/^https?:\/\//i.test(url) ? url : "")}
        components={{ a: ({ href, children }) => (href ? <a href={href} rel="noopener noreferrer nofollow" target="_blank">{children}</a> : <>{children}</>) }}
      >
        {text}
      </Markdown>
    </div>
  );
}
