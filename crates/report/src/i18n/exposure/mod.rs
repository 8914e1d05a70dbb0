//! The texts of the page of an assessment of exposure.

mod en;
mod fr;

pub(crate) use en::EN;
pub(crate) use fr::FR;

use super::texts;

texts! {
    /// The texts of one language on the page of an assessment.
    ExposureTexts:
    // The frame
    page_kind, skip_link, footer_knowledge, footer_json, colon, undated,
    // Counts
    n_servers, n_tenants, n_others, n_more, n_more_below, n_more_tenants, n_more_ways, n_not_listed, n_not_detailed, and_client_pages,
    n_rows, n_steps, n_days_old, of_n,
    // Words
    status_vulnerable, status_unknown, status_mitigated, status_fixed, status_not_affected,
    decision_immediate, decision_out_of_cycle, decision_scheduled, decision_defer,
    published_yes, published_no, published_unknown, is_published, is_not_published, is_perhaps_published,
    topology_on_prem, topology_hybrid, topology_management, topology_online,
    build_torn, build_unknown, no_date, flag_stale, since, said_by, contradicted, one_says,
    // The first page
    as_of, exploited_from, no_server, say_vulnerable, say_published, say_unknown, say_mitigated, say_none_open,
    also_unknown, also_mitigated, also_stale, also_outside, also_compromised, first_of_all, tally_label,
    means_vulnerable, means_unknown, means_mitigated, means_fixed, means_not_affected, head_first, head_all,
    head_tenants, tenants_note, no_tenant, all_tenants,
    // Columns
    col_decision, col_server, col_servers, col_status, col_why, col_tenant, col_published, col_stale, col_day, col_cve,
    col_rank, col_build, col_window, col_way, col_seen_by, col_where, col_what, col_matrix,
    // Charts
    head_curves, curves_note, no_curve, head_knowledge, knowledge_note, head_exposure, exposure_note, curve_known,
    curve_stale, curve_unknown_build, curve_words, unit_servers, in_figures,
    // Verdicts beside exposure
    head_matrix, matrix_note, updated_and_compromised,
    // Servers
    head_cves, cves_note, head_order, order_note, no_window, window_open, no_way, head_why, head_known, label_product,
    label_fqdn, label_build, label_published, label_topology, label_mitigation, head_window, lane_status, lane_build,
    lane_window, window_none, window_still, window_from_to, window_earliest,
    // Ways out
    head_way, head_ways, ways_note, times_own, times_estimates, nothing_to_do, way_n, way_link, way_times, p50_p90,
    label_requires, label_commands, label_gate, label_stop, label_rollback, label_rights,
    // The end
    head_outside, outside_none, outside_note, head_sources, head_warnings, head_made_from, label_pack, head_notes,
    head_problems, problems_none,
}
