# Writes the references of a table as the files that kramdown-rfc reads instead of asking the network.
# Usage: ruby references.rb references.tsv FOLDER
require "cgi"

TARGETS = { "RFC" => "https://www.rfc-editor.org/info/rfc%s", "I-D." => "https://datatracker.ietf.org/doc/html/%s" }.freeze

def quoted(text) = "\"#{CGI.escapeHTML(text)}\""

def author(text)
  name = text.delete_suffix(" Ed.")
  match = name.match(/\A((?:\p{Lu}\S*\.[ -]?)+)\s*(\S.*)\z/) or abort "references.tsv: '#{text}' is no author: write initials and surname."
  role = text == name ? "" : " role=\"editor\""
  "<author initials=#{quoted(match[1].strip)} surname=#{quoted(match[2])} fullname=#{quoted(name)}#{role}/>"
end

def series(anchor, more)
  return "<seriesInfo name=\"Internet-Draft\" value=#{quoted(more)}/>" if anchor.start_with?("I-D.")

  number = anchor.delete_prefix("RFC")
  own = more.empty? ? "" : "<seriesInfo name=\"%s\" value=\"%s\"/>" % more.split
  "#{own}<seriesInfo name=\"RFC\" value=\"#{number}\"/><seriesInfo name=\"DOI\" value=\"10.17487/RFC#{number.rjust(4, "0")}\"/>"
end

table, folder = ARGV
File.foreach(table, chomp: true, encoding: "UTF-8").with_index(1) do |line, number|
  next if line.start_with?("#") || line.empty?

  anchor, title, authors, date, more = line.split("\t", -1)
  abort "#{table}:#{number}: five fields, separated by tabs." unless more
  isDraft = anchor.start_with?("I-D.")
  abort "#{table}:#{number}: '#{anchor}' is neither RFC and a number nor I-D. and a name." unless isDraft || anchor.match?(/\ARFC\d+\z/)
  abort "#{table}:#{number}: an Internet-Draft needs its name and version." if isDraft && !more.match?(/\Adraft-.*-\d\d\z/)
  month, year = date.split
  target = isDraft ? TARGETS["I-D."] % more : TARGETS["RFC"] % anchor.delete_prefix("RFC")
  file = isDraft ? "reference.#{anchor}.xml" : "reference.RFC.#{anchor.delete_prefix("RFC").rjust(4, "0")}.xml"
  File.write(File.join(folder, file), <<~XML)
    <?xml version="1.0" encoding="UTF-8"?>
    <reference anchor=#{quoted(anchor)} target=#{quoted(target)}>
    <front><title>#{CGI.escapeHTML(title)}</title>#{authors.split("; ").map { |text| author(text) }.join}<date month=#{quoted(month)} year=#{quoted(year)}/></front>
    #{series(anchor, more)}
    </reference>
  XML
end
