//! The routes under `/ops`.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodRouter, get, post},
};

use super::{attention, call, compared_row, events, guard, health, list, login, redrive, schema};
use crate::{
    domain::audit::AuditAction,
    http::{App, audit, error::Problem},
};

/// All of them, behind the sign-in.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let audited = |action: AuditAction, route: MethodRouter<Arc<App>>| {
        route.route_layer(from_fn_with_state((app.clone(), action), audit::layer))
    };
    Router::new()
        .route("/ops", audited(AuditAction::ReadCalls, get(list::page)))
        .route(
            "/ops/login",
            get(login::page).merge(audited(AuditAction::SignIn, post(login::sign_in))),
        )
        .route("/ops/logout", post(login::sign_out))
        .route(
            "/ops/calls/{call_id}",
            audited(AuditAction::ReadCalls, get(call::page)),
        )
        .route(
            "/ops/words/{call_id}",
            audited(AuditAction::ReadWords, get(call::words)),
        )
        .route(
            "/ops/rows/{call_id}",
            audited(
                AuditAction::ReadCalls,
                get(compared_row::page).post(compared_row::compare),
            ),
        )
        .route(
            "/ops/recordings/{egress_id}",
            audited(AuditAction::Listen, get(call::recording)),
        )
        .route(
            "/ops/redrive",
            audited(AuditAction::Redrive, post(redrive::retry)).merge(get(redrive::page)),
        )
        .route(
            "/ops/events",
            audited(AuditAction::ReadCalls, get(events::events)),
        )
        .route(
            "/ops/health",
            audited(AuditAction::ReadCalls, get(health::page)),
        )
        .route(
            "/ops/attention",
            audited(AuditAction::ReadCalls, get(attention::page)),
        )
        .route(
            "/ops/schema",
            audited(
                AuditAction::ReadCalls,
                get(schema::page).post(schema::check),
            ),
        )
        .route("/ops/{*unknown}", get(unknown))
        .layer(from_fn_with_state(app.clone(), guard::guard))
}

async fn unknown() -> Problem {
    Problem::not_found("this page does not exist")
}
